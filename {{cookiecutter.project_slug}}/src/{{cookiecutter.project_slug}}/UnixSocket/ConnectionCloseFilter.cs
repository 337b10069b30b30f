using Microsoft.AspNetCore.Connections.Features;

namespace {{ cookiecutter.__namespace }}.UnixSocket;

/// <summary>Ends each connection of a stopping instance with its next response, so that the proxy opens new ones.</summary>
internal sealed class ConnectionCloseFilter(IHostApplicationLifetime lifetime) : IStartupFilter
{
    /// <summary>Puts it in front of the app's own middleware.</summary>
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use(async (context, proceed) =>
        {
            // At the response's start: a request that was there before the stop must end its connection too.
            context.Response.OnStarting(CloseWhenStopping, context);
            try
            {
                await proceed(context);
            }
            catch when (lifetime.ApplicationStopping.IsCancellationRequested)
            {
                // Kestrel itself answers for what the app did not catch, and calls nobody at that response's start.
                RequestClose(context);
                throw;
            }
        });
        next(app);
    };

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
