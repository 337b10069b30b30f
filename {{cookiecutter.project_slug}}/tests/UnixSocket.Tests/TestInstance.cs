using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

// The instances note themselves in one file, which the commands read.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace UnixSocket.Tests;

/// <summary>A small app within this process, on a Unix socket in a temporary directory.</summary>
internal sealed class TestInstance : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private readonly WebApplication _app;

    private TestInstance(WebApplication app, string path) => (_app, Path, Client) = (app, path, CreateClient(path));

    /// <summary>The socket's public path.</summary>
    public string Path { get; }

    /// <summary>Asks whichever instance serves at the public path.</summary>
    public HttpClient Client { get; }

    /// <summary>The name of the instance to which the public path leads; null if there is no path.</summary>
    public static string? Target(string path) => new FileInfo(path).LinkTarget;

    /// <summary>Returns a path for a socket in a new directory. macOS leaves 103 bytes for it.</summary>
    public static string NewPath() =>
        System.IO.Path.Combine(Directory.CreateTempSubdirectory("uds-").FullName, "app.sock");

    /// <summary>Starts an instance, without a wait for its health.</summary>
    /// <param name="path">The socket's public path.</param>
    /// <param name="configure">Changes the builder, such as its settings.</param>
    /// <param name="map">Maps what the app answers beside /healthz.</param>
    /// <returns>The running instance.</returns>
    public static async Task<TestInstance> StartAsync(
        string path, Action<WebApplicationBuilder>? configure = null, Action<WebApplication>? map = null)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "On Windows, Kestrel's own behaviour stays.");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Critical); // not none: without a log a request has no trace id
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(path));
        builder.Configuration["Socket:DrainTimeout"] = "00:00:02";
        configure?.Invoke(builder);
        builder.AddUnixSocketDefaults();
        var app = builder.Build();
        map?.Invoke(app);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new TestInstance(app, path);
    }

    /// <summary>Starts an instance and waits until the public path leads to it.</summary>
    /// <inheritdoc cref="StartAsync" />
    public static async Task<TestInstance> ServeAsync(
        string path, Action<WebApplicationBuilder>? configure = null, Action<WebApplication>? map = null)
    {
        var before = Target(path);
        var app = await StartAsync(path, configure, map);
        await EventuallyAsync(() => Target(path) != before);
        return app;
    }

    /// <summary>Waits until a condition is true, or fails.</summary>
    public static async Task EventuallyAsync(Func<bool> condition)
    {
        var deadline = Environment.TickCount64 + (long)Deadline.TotalMilliseconds;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < deadline, "The condition has not become true in time.");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Shuts the instance down as SIGTERM does.</summary>
    public Task StopAsync() => _app.StopAsync(TestContext.Current.CancellationToken);

    /// <summary>Ends the instance, if it still runs.</summary>
    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
    }

    [ModuleInitializer]
    internal static void UseOwnTemporaryDirectory() =>
        Environment.SetEnvironmentVariable("TMPDIR", Directory.CreateTempSubdirectory("uds-tests-").FullName);

    private static HttpClient CreateClient(string path)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        return new HttpClient(handler) { BaseAddress = new Uri("http://localhost"), Timeout = Deadline };
    }
}
