using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace UnixSocket;

/// <summary>Binds an instance's own name when Kestrel asks for the public path.</summary>
internal sealed class InstanceListenerFactory(
    IOptions<SocketTransportOptions> transportOptions,
    IOptions<UnixSocketOptions> options,
    ConnectionDrain drain,
    IHostEnvironment environment,
    ILoggerFactory loggerFactory) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    // The socket's group can reach the socket, but not list or change the directory.
    private const UnixFileMode DirectoryMode = UnixFileMode.UserRead | UnixFileMode.UserWrite
        | UnixFileMode.UserExecute | UnixFileMode.GroupExecute;

    // Connecting requires write permission: the owner has it, and the group, to which the proxy belongs.
    private const UnixFileMode OwnerAndGroup =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    private readonly SocketTransportFactory _sockets = new(transportOptions, loggerFactory);
    private readonly ILogger<InstanceListener> _logger = loggerFactory.CreateLogger<InstanceListener>();

    /// <summary>The names of the instance that is bound; null before, and where Kestrel listens elsewhere.</summary>
    public SocketInstance? Instance { get; private set; }

    /// <inheritdoc />
    public bool CanBind(EndPoint endpoint) =>
        endpoint is UnixDomainSocketEndPoint && Path.IsPathRooted(endpoint.ToString()) && !OperatingSystem.IsWindows();

    /// <inheritdoc />
    /// <exception cref="SocketUnavailableException">The socket cannot be bound, or it is a second one.</exception>
    public async ValueTask<IConnectionListener> BindAsync(
        EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var publicPath = endpoint.ToString()!;
        if (Instance is { PublicPath: var bound })
        {
            throw new SocketUnavailableException(
                $"The app listens on two Unix sockets, {bound} and {publicPath}, but may have only one: remove one "
                + "ListenUnixSocket, or the Kestrel:Endpoints setting with http://unix:.");
        }

        try
        {
            Instance = SocketInstance.Create(publicPath);
            var listener = await BindAsync(Instance, cancellationToken);
            return new InstanceListener(listener, Instance, drain, options.Value.DrainTimeout, _logger);
        }
        catch (Exception e) when (SocketUnavailableException.IsCause(e))
        {
            throw SocketUnavailableException.From(publicPath, e);
        }
    }

    private async Task<IConnectionListener> BindAsync(SocketInstance instance, CancellationToken cancellationToken)
    {
        if ((options.Value.CreateDirectory ?? environment.IsDevelopment()) && !OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(Path.GetDirectoryName(instance.PublicPath)!, DirectoryMode);
        }

        instance.RefuseForeignFile();
        using var directoryLock = await DirectoryLock.AcquireAsync(instance.PublicPath);
        if (directoryLock is not null)
        {
            instance.RemoveDeadInstances();
        }

        var listener = await _sockets.BindAsync(new UnixDomainSocketEndPoint(instance.OwnPath), cancellationToken);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(instance.OwnPath, OwnerAndGroup);
        }

        return listener;
    }
}
