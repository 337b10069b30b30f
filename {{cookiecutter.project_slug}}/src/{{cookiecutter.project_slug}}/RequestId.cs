using System.Diagnostics;

namespace {{ cookiecutter.__namespace }};

/// <summary>Names each request, so that the lines of the proxy's log and the app's log can be joined.</summary>
public static class RequestIdExtensions
{
    /// <summary>Answers with the header X-Request-ID: the trace id that the app's log has in its scopes.</summary>
    /// <param name="app">The pipeline.</param>
    /// <returns><paramref name="app"/>, for further calls.</returns>
    public static IApplicationBuilder UseRequestId(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        // At the response's start: the exception handler clears the headers that were set before.
        context.Response.OnStarting(() =>
        {
            context.Response.Headers["X-Request-ID"] = Activity.Current?.TraceId.ToString();
            return Task.CompletedTask;
        });
        return next(context);
    });
}
