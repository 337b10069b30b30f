using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace UnixSocket;

/// <summary>Reports the public path, counts the instance's connections, and drains before it closes.</summary>
internal sealed partial class InstanceListener(
    IConnectionListener inner,
    SocketInstance instance,
    ConnectionDrain drain,
    TimeSpan drainTimeout,
    ILogger<InstanceListener> logger) : IConnectionListener
{
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(1);

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

    /// <summary>Leaves the public path, drains, and closes the socket; Kestrel calls it when the host stops.</summary>
    /// <param name="cancellationToken">Ends the drain early.</param>
    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        await WithdrawAsync();
        // The kernel hands out connections in their order: when this one is answered, all before it have been accepted.
        await Task.Run(() => HealthProbe.Ask(instance.OwnPath, ProbeTimeout), CancellationToken.None);
        await drain.WaitAsync(drainTimeout, cancellationToken);
        await inner.UnbindAsync(cancellationToken);
        // Another instance, which stopped meanwhile, may have left the path to this one. Only under the lock is it known
        // whether it did: it looked for this socket under it, too.
        await WithdrawAsync();
    }

    private async Task WithdrawAsync()
    {
        try
        {
            // Before the lock is taken: a frozen neighbour never answers, and others wait for the lock.
            var healthy = instance.IsPublished ? await FindHealthyOthersAsync() : [];
            using var directoryLock = await DirectoryLock.AcquireAsync(instance.PublicPath);
            if (directoryLock is not null)
            {
                instance.Withdraw(healthy);
            }

            InstanceRecord.Remove(instance);
        }
        catch (Exception e) when (SocketUnavailableException.IsCause(e))
        {
            LogNotWithdrawn(e, instance.PublicPath); // the connections are drained all the same
        }
    }

    private async Task<IEnumerable<string>> FindHealthyOthersAsync()
    {
        var others = instance.FindOthers().Select(path => Task.Run(
            () => HealthProbe.Ask(path, ProbeTimeout) is null ? path : null));
        return (await Task.WhenAll(others)).OfType<string>();
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => inner.DisposeAsync();

    [LoggerMessage(4, LogLevel.Warning, "{PublicPath} may still lead to this instance, which is shutting down")]
    private partial void LogNotWithdrawn(Exception exception, string publicPath);
}
