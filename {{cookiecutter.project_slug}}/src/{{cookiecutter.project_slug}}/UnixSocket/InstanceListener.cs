using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace {{ cookiecutter.__namespace }};

/// <summary>Reports the public path, counts the instance's connections, and drains before it closes.</summary>
internal sealed partial class InstanceListener(
    IConnectionListener inner,
    SocketInstance instance,
    SocketDrain drain,
    TimeSpan drainTimeout,
    ILogger logger) : IConnectionListener
{
    /// <summary>The public path: what the app reports and logs as its address.</summary>
    public EndPoint EndPoint { get; } = new UnixDomainSocketEndPoint(instance.PublicPath);

    /// <inheritdoc />
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        var connection = await inner.AcceptAsync(cancellationToken);
        if (connection is not null)
        {
            drain.Track(connection);
        }

        return connection;
    }

    /// <summary>Ends the instance's part in serving; Kestrel calls it when the host stops.</summary>
    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            await WithdrawAsync();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogNotWithdrawn(e, instance.PublicPath); // the connections are drained all the same
        }

        await drain.WaitAsync(drainTimeout, cancellationToken);
        await inner.UnbindAsync(cancellationToken);
    }

    private async Task WithdrawAsync()
    {
        using var gate = await instance.EnterGateAsync();
        instance.RemoveRecord();
        if (gate is not null)
        {
            instance.Withdraw();
        }
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => inner.DisposeAsync();

    [LoggerMessage(4, LogLevel.Warning, "{PublicPath} may still lead to this instance, which stops")]
    private partial void LogNotWithdrawn(Exception exception, string publicPath);
}
