using System.Diagnostics;

namespace UnixSocket;

/// <summary>Names each request, so that the lines of the proxy's log and of the app's log can be joined.</summary>
internal sealed class RequestIdMiddleware(RequestDelegate next)
{
    /// <summary>Answers with the header X-Request-ID: the trace id that the app's log has in its scopes.</summary>
    /// <param name="context">The request.</param>
    /// <returns>The end of the request.</returns>
    public Task InvokeAsync(HttpContext context)
    {
        // At the response's start: the exception handler clears the headers that were set before.
        context.Response.OnStarting(static state =>
        {
            ((HttpResponse)state).Headers["X-Request-ID"] = Activity.Current?.TraceId.ToString();
            return Task.CompletedTask;
        }, context.Response);
        return next(context);
    }
}
