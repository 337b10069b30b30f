using Microsoft.AspNetCore.Connections.Features;

namespace UnixSocket;

/// <summary>Ends each connection of a stopping instance with its next response.</summary>
internal sealed class ConnectionCloseMiddleware(RequestDelegate next, IHostApplicationLifetime lifetime)
{
    /// <summary>Closes the request's connection if the app is stopping when the response starts.</summary>
    /// <param name="context">The request.</param>
    public async Task InvokeAsync(HttpContext context)
    {
        // At the response's start: a request that was there before the stop must end its connection too.
        context.Response.OnStarting(CloseWhenStopping, context);
        try
        {
            await next(context);
        }
        catch when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // Kestrel itself answers an exception that the app did not catch, and does not call OnStarting for it.
            RequestClose(context);
            throw;
        }
    }

    private Task CloseWhenStopping(object state)
    {
        var context = (HttpContext)state;
        if (lifetime.ApplicationStopping.IsCancellationRequested
            && context.Response.StatusCode != StatusCodes.Status101SwitchingProtocols)
        {
            RequestClose(context);
        }

        return Task.CompletedTask;
    }

    // Kestrel then writes "Connection: close", or sends GOAWAY over HTTP/2.
    private static void RequestClose(HttpContext context) =>
        context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
}
