using Microsoft.Extensions.Options;

namespace UnixSocket;

/// <summary>Adds this library's middleware in front of the app's own pipeline.</summary>
internal sealed class UnixSocketStartupFilter(IOptions<UnixSocketOptions> options) : IStartupFilter
{
    /// <inheritdoc />
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        var uses = options.Value;
        if (uses.ForwardedHeaders)
        {
            app.UseForwardedHeaders();
        }

        if (uses.RequestId)
        {
            app.UseMiddleware<RequestIdMiddleware>();
        }

        app.UseMiddleware<ConnectionCloseMiddleware>();
        if (uses.ExceptionHandler)
        {
            app.UseExceptionHandler();
        }

        if (uses.HealthEndpoint)
        {
            HealthEndpoint.Use(app);
        }

        if (uses.ConnectionShutdown)
        {
            app.UseMiddleware<ConnectionShutdownMiddleware>();
        }

        next(app);
    };
}
