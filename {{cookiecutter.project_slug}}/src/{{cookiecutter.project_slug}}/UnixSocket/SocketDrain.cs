using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace {{ cookiecutter.__namespace }};

/// <summary>Empties a stopping instance: each response ends its connection, until none is open.</summary>
internal sealed class SocketDrain(IHostApplicationLifetime lifetime) : IStartupFilter
{
    private int _openConnections;

    /// <summary>Counts a connection until it is closed.</summary>
    public void Track(ConnectionContext connection)
    {
        Interlocked.Increment(ref _openConnections);
        connection.ConnectionClosed.Register(() => Interlocked.Decrement(ref _openConnections));
    }

    /// <summary>Waits until no connection is open.</summary>
    /// <param name="timeout">The longest wait.</param>
    /// <param name="cancellationToken">Ends the wait early.</param>
    public async Task WaitAsync(TimeSpan timeout, CancellationToken cancellationToken)
    {
        var deadline = Environment.TickCount64 + (long)timeout.TotalMilliseconds;
        while (Volatile.Read(ref _openConnections) > 0
            && Environment.TickCount64 < deadline
            && !cancellationToken.IsCancellationRequested)
        {
            await Task.Delay(10, CancellationToken.None);
        }
    }

    /// <summary>Puts the "Connection: close" of a stopping instance in front of the app's own middleware.</summary>
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use(async (context, proceed) =>
        {
            // At the response's start: a request that was there before the stop must end its connection too.
            context.Response.OnStarting(EndConnectionWhenStopping, context);
            try
            {
                await proceed(context);
            }
            catch when (lifetime.ApplicationStopping.IsCancellationRequested)
            {
                // Kestrel itself answers for what the app did not catch, and calls nobody at that response's start.
                context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
                throw;
            }
        });
        next(app);
    };

    private Task EndConnectionWhenStopping(object state)
    {
        var context = (HttpContext)state;
        if (lifetime.ApplicationStopping.IsCancellationRequested
            && HttpProtocol.IsHttp11(context.Request.Protocol)
            && context.Response.StatusCode != StatusCodes.Status101SwitchingProtocols)
        {
            context.Response.Headers.Connection = "close";
        }

        return Task.CompletedTask;
    }
}
