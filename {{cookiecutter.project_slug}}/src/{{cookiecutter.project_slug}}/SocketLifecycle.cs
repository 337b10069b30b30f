using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace {{ cookiecutter.__namespace }};

/// <summary>Gives the Unix socket that Kestrel listens on a life that spans several instances of the app.</summary>
/// <remarks>
/// <para>Kestrel alone binds the path and deletes it when it stops: a file that a killed process left blocks the next
/// start, and an old instance that stops late deletes the socket of the new one. Here each instance binds a name of its
/// own beside the path, and the path is a symbolic link to the instance that serves:</para>
/// <list type="number">
/// <item>start: remove what killed instances left, bind and listen on <c>kestrel.sock.1a2b3c4d</c>, mode 0660;</item>
/// <item>when the host has started and this instance's own /healthz answers 200: rename a link to it over the path;
/// </item>
/// <item>from then on: take the path again whenever it leads to no instance that lives;</item>
/// <item>stop: leave the path to another instance that is healthy, or take it away; end each connection with its next
/// response; close the socket when no connection is open.</item>
/// </list>
/// <para>To use it in another app, copy this file, map /healthz so that it answers anybody, and let Program.cs run
/// <see cref="SocketCommands"/>. It serves one socket.</para>
/// </remarks>
public static class SocketLifecycleExtensions
{
    /// <summary>Applies the lifecycle to the socket that <c>ListenUnixSocket(path)</c> names.</summary>
    /// <param name="builder">The host. Its configuration section "Socket" holds the settings.</param>
    /// <returns><paramref name="builder"/>, for further calls.</returns>
    /// <remarks>On Windows, without modes and with a privilege for links, Kestrel's own behaviour stays.</remarks>
    public static IWebHostBuilder UseSocketLifecycle(this IWebHostBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.ConfigureServices((context, services) =>
        {
            services.Configure<SocketLifecycleOptions>(context.Configuration.GetSection("Socket"));
            services.AddSingleton<SocketDrain>();
            services.AddSingleton<IStartupFilter>(provider => provider.GetRequiredService<SocketDrain>());
            // Kestrel asks the factories from the last one registered to the first, and takes the first that can bind.
            services.AddSingleton<IConnectionListenerFactory, InstanceListenerFactory>();
        });
    }
}

/// <summary>The settings of the socket's lifecycle, read from the configuration section "Socket".</summary>
public sealed class SocketLifecycleOptions
{
    /// <summary>How long a stopping instance waits for its connections to end before it closes its socket.</summary>
    /// <value>Five seconds unless set. Requests that take longer go on until the host's own shutdown timeout.</value>
    /// <remarks>It must be longer than the proxy keeps an idle connection (H2O: <c>proxy.timeout.keepalive</c>), or
    /// Kestrel closes connections on which the proxy is about to send.</remarks>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(5);
}

/// <summary>Asked of a running instance from outside: <c>docker exec ID dotnet app.dll COMMAND</c>.</summary>
public static class SocketCommands
{
    /// <summary>Asks the instance that runs in this container for /healthz, over its own socket.</summary>
    /// <returns>The exit code: 0 if it has published itself and answers 200; otherwise 1.</returns>
    /// <remarks>Never over the public path, where another instance may answer for this one.</remarks>
    public static int Health() => Run(static instance =>
    {
        Console.WriteLine($"healthy: {instance.OwnPath}");
        return 0;
    });

    /// <summary>Tells whether the public path leads to the instance that runs in this container.</summary>
    /// <returns>The exit code: 0 if it does and the instance is healthy; otherwise 1.</returns>
    public static int Serves() => Run(static instance =>
    {
        Console.WriteLine($"{instance.PublicPath} leads to {instance.Target ?? "nothing"}; this is {instance.OwnPath}");
        return instance.IsPublished ? 0 : 1;
    });

    /// <summary>Makes the public path lead to the instance in this container, if that one is healthy.</summary>
    /// <returns>The exit code: 0 if the path leads here now; otherwise 1, and nothing has changed.</returns>
    public static int TakeOver() => Run(static instance =>
    {
        using var gate = instance.EnterGateAsync().GetAwaiter().GetResult();
        instance.Publish();
        Console.WriteLine($"{instance.PublicPath} leads to {instance.OwnPath}");
        return 0;
    });

    private static int Run(Func<SocketInstance, int> command)
    {
        try
        {
            var instance = SocketInstance.ReadRecord();
            var complaint = instance is null ? "no instance serves here yet" : SocketHealth.Ask(instance.OwnPath);
            if (complaint is null)
            {
                return command(instance!);
            }

            Console.Error.WriteLine($"unhealthy: {complaint}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(e.Message);
        }

        return 1;
    }
}

/// <summary>A request to an instance's /healthz that costs next to nothing: no HttpClient, no host.</summary>
internal static class SocketHealth
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(4);

    /// <summary>Asks once.</summary>
    /// <param name="socketPath">The instance's own socket.</param>
    /// <returns>Null if the answer is 200, otherwise what is wrong, in words.</returns>
    public static string? Ask(string socketPath)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
        {
            // It bounds connect too, which waits while a frozen app's queue is full.
            SendTimeout = (int)Timeout.TotalMilliseconds,
            ReceiveTimeout = (int)Timeout.TotalMilliseconds,
        };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(socketPath));
            socket.Send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8);
            Span<byte> statusLine = stackalloc byte["HTTP/1.1 200".Length];
            var length = 0;
            while (length < statusLine.Length && socket.Receive(statusLine[length..]) is > 0 and var read)
            {
                length += read;
            }

            return statusLine.SequenceEqual("HTTP/1.1 200"u8)
                ? null
                : $"/healthz answers \"{Encoding.ASCII.GetString(statusLine[..length])}\" (a 400 where AllowedHosts "
                + "lacks localhost, a 401 or 302 where it asks for a login)";
        }
        catch (SocketException e)
        {
            return $"{socketPath}: {e.Message}";
        }
    }
}

/// <summary>One instance's names in the socket's directory.</summary>
/// <param name="PublicPath">What the proxy connects to: a link to the instance that serves.</param>
/// <param name="OwnPath">What this instance binds.</param>
internal sealed record SocketInstance(string PublicPath, string OwnPath)
{
    // The suffix is random, since a process id says nothing: it is 1 in every container.
    private const int IdLength = 8;

    // Linux keeps 108 bytes for a socket's path, the terminating zero among them; macOS keeps 104.
    private static readonly int MaxPathBytes = OperatingSystem.IsMacOS() ? 103 : 107;

    private static readonly TimeSpan GatePatience = TimeSpan.FromSeconds(5);

    // In the container's private /tmp, so that a command finds the instance beside which it runs.
    private static string RecordPath =>
        Path.Combine(Path.GetTempPath(), AppDomain.CurrentDomain.FriendlyName + ".instance");

    /// <summary>What the public path leads to: an instance's name; null where there is no link.</summary>
    public string? Target => new FileInfo(PublicPath).LinkTarget;

    /// <summary>Whether the public path leads to this instance.</summary>
    public bool IsPublished => Target == Path.GetFileName(OwnPath);

    /// <summary>Whether the public path leads to no instance that lives.</summary>
    public bool IsPathFree => !IsPublished && (!File.Exists(TargetPath) || RefusesConnections(TargetPath));

    // Not the public path itself: of that, File.Exists says yes even where the link leads to nothing.
    private string TargetPath => Target is { } name ? Path.Combine(Folder, name) : PublicPath;

    private string Folder => Path.GetDirectoryName(PublicPath)!;

    private string LinkPath => OwnPath + ".new";

    /// <summary>Names a new instance.</summary>
    /// <param name="publicPath">The socket's absolute path, as the proxy knows it.</param>
    /// <exception cref="IOException">The instance's name is too long for a socket.</exception>
    public static SocketInstance Create(string publicPath)
    {
        var path = $"{publicPath}.{RandomNumberGenerator.GetHexString(IdLength, lowercase: true)}";
        var excess = Encoding.UTF8.GetByteCount(path) - MaxPathBytes;
        return excess <= 0
            ? new SocketInstance(publicPath, path)
            : throw new IOException(
                $"The socket path {publicPath} is {excess} bytes too long: with the instance's own suffix it must fit "
                + $"into {MaxPathBytes} bytes. Set a shorter Socket:Path.");
    }

    /// <summary>Says which instance has published itself in this container.</summary>
    /// <returns>That instance; null if none has.</returns>
    public static SocketInstance? ReadRecord()
    {
        if (!File.Exists(RecordPath))
        {
            return null;
        }

        var path = File.ReadAllText(RecordPath);
        return path.Length > IdLength + 1 ? new SocketInstance(path[..^(IdLength + 1)], path) : null;
    }

    /// <summary>Makes sure that nothing but a socket or a link of this app stands at the public path.</summary>
    /// <exception cref="IOException">It is neither. It stays as it is: it may be somebody's.</exception>
    public void EnsurePathIsFree()
    {
        var file = new FileInfo(PublicPath);
        var obstacle = file switch
        {
            { LinkTarget: { } target } => IsInstanceName(target) ? null : $"a link to {target}",
            { Attributes: var attributes } when file.Exists || Directory.Exists(PublicPath) =>
                attributes.HasFlag(FileAttributes.Directory) ? "a directory"
                : IsSocket(PublicPath) ? null
                : "a file, not a socket",
            _ => null,
        };
        if (obstacle is not null)
        {
            throw new IOException($"{PublicPath} is {obstacle}. Move it away, or set another Socket:Path.");
        }
    }

    /// <summary>Removes the names of instances that were killed: they refuse connections.</summary>
    /// <remarks>Call it inside the gate: an instance that has bound and does not listen yet refuses them too.</remarks>
    public void RemoveDeadInstances()
    {
        foreach (var path in Directory.EnumerateFiles(Folder, Path.GetFileName(PublicPath) + ".*"))
        {
            var isLink = path.EndsWith(".new", StringComparison.Ordinal)
                && IsInstanceName(path[..^".new".Length])
                && new FileInfo(path).LinkTarget is not null;
            if (isLink || (IsInstanceName(path) && RefusesConnections(path) && IsSocket(path)))
            {
                File.Delete(path);
            }
        }
    }

    /// <summary>Notes the instance's name for the commands, in a file of the container's own.</summary>
    public void WriteRecord()
    {
        var temporary = $"{RecordPath}.{OwnPath[^IdLength..]}";
        File.WriteAllText(temporary, OwnPath);
        File.Move(temporary, RecordPath, overwrite: true);
    }

    /// <summary>Forgets the note: commands find no instance any more.</summary>
    public void RemoveRecord()
    {
        if (ReadRecord() == this)
        {
            File.Delete(RecordPath);
        }
    }

    /// <summary>Makes the public path lead to this instance; there is no moment in which it leads nowhere.</summary>
    public void Publish()
    {
        File.Delete(LinkPath);
        File.CreateSymbolicLink(LinkPath, Path.GetFileName(OwnPath));
        File.Move(LinkPath, PublicPath, overwrite: true);
    }

    /// <summary>If the public path leads here, leaves it to an instance that is healthy, or takes it away.</summary>
    /// <remarks>Call it inside the gate.</remarks>
    public void Withdraw()
    {
        if (!IsPublished)
        {
            return;
        }

        var other = Directory.EnumerateFiles(Folder, Path.GetFileName(PublicPath) + ".*")
            .FirstOrDefault(path => path != OwnPath && IsInstanceName(path) && SocketHealth.Ask(path) is null);
        if (other is null)
        {
            File.Delete(PublicPath);
        }
        else
        {
            (this with { OwnPath = other }).Publish();
        }
    }

    /// <summary>Waits until no other instance is changing the names in the directory.</summary>
    /// <returns>The gate, to be disposed; null if another instance, frozen perhaps, held it for five seconds.</returns>
    /// <remarks>It is a lock on a file: the kernel releases it when its holder is killed.</remarks>
    public async Task<IDisposable?> EnterGateAsync()
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite; // whoever can open it can hold it
        }

        var deadline = Environment.TickCount64 + (long)GatePatience.TotalMilliseconds;
        while (true)
        {
            try
            {
                return new FileStream(PublicPath + ".lock", options);
            }
            catch (IOException e) when (e.HResult is 11 or 35 /* EWOULDBLOCK on Linux, on macOS */)
            {
                if (Environment.TickCount64 > deadline)
                {
                    return null;
                }
            }

            await Task.Delay(10).ConfigureAwait(false);
        }
    }

    // .NET does not tell a socket from a file, but the kernel opens only the latter. Read and write, because opening a
    // named pipe for one of them would wait for its other end.
    private static bool IsSocket(string path)
    {
        try
        {
            using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            return false;
        }
        catch (UnauthorizedAccessException)
        {
            return false; // somebody else's, whatever it is
        }
        catch (IOException)
        {
            return true;
        }
    }

    private static bool RefusesConnections(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Blocking = false; // a frozen instance's full queue would make a blocking connect wait
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return false;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode == SocketError.ConnectionRefused;
        }
    }

    private bool IsInstanceName(string path)
    {
        var name = Path.GetFileName(path);
        var prefix = Path.GetFileName(PublicPath) + ".";
        return name.Length == prefix.Length + IdLength
            && name.StartsWith(prefix, StringComparison.Ordinal)
            && name[prefix.Length..].All(char.IsAsciiHexDigitLower);
    }
}

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
