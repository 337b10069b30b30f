using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace {{ cookiecutter.__namespace }};

/// <summary>Binds an instance's own name for the public path, and publishes it when it is healthy.</summary>
internal sealed partial class InstanceListenerFactory(
    IOptions<SocketTransportOptions> transportOptions,
    IOptions<SocketLifecycleOptions> options,
    SocketDrain drain,
    IHostEnvironment environment,
    IHostApplicationLifetime lifetime,
    ILoggerFactory loggerFactory) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private static readonly TimeSpan HealthPollInterval = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan PathPollInterval = TimeSpan.FromSeconds(1);

    private readonly SocketTransportFactory _sockets = new(transportOptions, loggerFactory);
    private readonly ILogger _logger = loggerFactory.CreateLogger<InstanceListenerFactory>();

    /// <inheritdoc />
    public bool CanBind(EndPoint endpoint) =>
        endpoint is UnixDomainSocketEndPoint && Path.IsPathRooted(endpoint.ToString()) && !OperatingSystem.IsWindows();

    /// <inheritdoc />
    public async ValueTask<IConnectionListener> BindAsync(
        EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        var publicPath = endpoint.ToString()!;
        try
        {
            return await BindAsync(SocketInstance.Create(publicPath), cancellationToken);
        }
        catch (Exception e) when (IsCausedByTheDirectory(e))
        {
            throw Exit(publicPath, e);
        }
    }

    private async Task<IConnectionListener> BindAsync(SocketInstance instance, CancellationToken cancellationToken)
    {
        // Elsewhere a missing directory means that the shared volume is not mounted: a new one would hide that.
        if (environment.IsDevelopment() && !OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(Path.GetDirectoryName(instance.PublicPath)!, UserOnly);
        }

        instance.EnsurePathIsFree();
        using var gate = await instance.EnterGateAsync();
        if (gate is not null)
        {
            instance.RemoveDeadInstances();
        }

        var listener = await _sockets.BindAsync(new UnixDomainSocketEndPoint(instance.OwnPath), cancellationToken);
        if (!OperatingSystem.IsWindows())
        {
            // Connecting takes the right to write: the owner has it, and the group, to which the proxy belongs.
            File.SetUnixFileMode(instance.OwnPath, OwnerAndGroup);
        }

        lifetime.ApplicationStarted.Register(() => _ = ServeAsync(instance));
        return new InstanceListener(listener, instance, drain, options.Value.DrainTimeout, _logger);
    }

    private async Task ServeAsync(SocketInstance instance)
    {
        var hasServed = false;
        try
        {
            await WaitUntilHealthyAsync(instance);
            instance.WriteRecord();
            await PublishAsync(instance, always: true);
            hasServed = true;

            // One that took the path over and was killed has left it leading nowhere.
            while (true)
            {
                await Task.Delay(PathPollInterval, lifetime.ApplicationStopping);
                if (instance.IsPathFree)
                {
                    await PublishAsync(instance, always: false);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The host is stopping.
        }
        catch (Exception e) when (!hasServed && IsCausedByTheDirectory(e))
        {
            throw Exit(instance.PublicPath, e);
        }
        catch (Exception e)
        {
            // Nobody awaits this: unlogged, the app would run on and never serve.
            LogCannotServe(e, instance.PublicPath);
            Environment.ExitCode = 1;
            lifetime.StopApplication();
        }
    }

    private async Task WaitUntilHealthyAsync(SocketInstance instance)
    {
        string? reported = null;
        while (await Task.Run(() => SocketHealth.Ask(instance.OwnPath), lifetime.ApplicationStopping) is { } complaint)
        {
            if (complaint != reported)
            {
                LogNotHealthy(instance.PublicPath, complaint);
                reported = complaint;
            }

            await Task.Delay(HealthPollInterval, lifetime.ApplicationStopping);
        }
    }

    private async Task PublishAsync(SocketInstance instance, bool always)
    {
        using var gate = await instance.EnterGateAsync();
        lifetime.ApplicationStopping.ThrowIfCancellationRequested();
        if (always || instance.IsPathFree)
        {
            instance.Publish();
            LogPublished(instance.PublicPath, instance.OwnPath);
        }
    }

    private static bool IsCausedByTheDirectory(Exception e) =>
        e is IOException or UnauthorizedAccessException or SocketException;

    // An exception thrown from here would reach the user as fifty lines of stack traces. What went wrong is the
    // directory, not the code: one line says what to do, and nothing is served yet that would have to be ended well.
    private static InvalidOperationException Exit(string publicPath, Exception e)
    {
        var directory = Path.GetDirectoryName(publicPath);
        Console.Error.WriteLine(e switch
        {
            DirectoryNotFoundException =>
                $"{directory} does not exist: create it, or mount the socket's volume there (compose.yaml, volumes).",
            UnauthorizedAccessException or SocketException { SocketErrorCode: SocketError.AccessDenied } =>
                $"{directory} is not writable for the user {Environment.UserName}: make that user its owner "
                + "(compose.yaml: the volume's uid, gid and mode; `docker compose down --volumes` once after a change of them).",
            IOException { HResult: 28 /* ENOSPC */ } =>
                $"{directory} is full: remove what does not belong there, or give the volume more room (compose.yaml).",
            IOException { HResult: 30 /* EROFS */ } =>
                $"{directory} is read-only: the app needs to write there (compose.yaml, services: app: volumes).",
            SocketException { SocketErrorCode: SocketError.SocketError } => // what .NET has no name for, such as ENOSPC
                $"Cannot bind {publicPath}. Is {directory} full?",
            SocketException => $"Cannot bind {publicPath}: {e.Message}.",
            _ => e.Message,
        });
        Environment.Exit(1);
        return new InvalidOperationException(e.Message, e);
    }

    private const UnixFileMode UserOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private const UnixFileMode OwnerAndGroup =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;

    [LoggerMessage(1, LogLevel.Information, "{PublicPath} now leads to {OwnPath}")]
    private partial void LogPublished(string publicPath, string ownPath);

    [LoggerMessage(2, LogLevel.Warning, "{PublicPath} stays as it is until this instance is healthy: {Complaint}")]
    private partial void LogNotHealthy(string publicPath, string complaint);

    [LoggerMessage(3, LogLevel.Critical, "This instance cannot serve {PublicPath}, and stops")]
    private partial void LogCannotServe(Exception exception, string publicPath);
}
