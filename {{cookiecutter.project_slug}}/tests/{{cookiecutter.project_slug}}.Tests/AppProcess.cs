using System.Diagnostics;
using System.Net.Sockets;

namespace {{ cookiecutter.__namespace }}.Tests;

/// <summary>The app as a process of its own, on a Unix socket in a temporary directory.</summary>
public sealed class AppProcess : IAsyncLifetime
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    // A short name: macOS leaves 103 bytes for the path of a socket.
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("uds-");
    private readonly List<string> _output = [];
    private Process? _process;

    /// <summary>The socket's public path.</summary>
    public string SocketPath => Path.Combine(_directory.FullName, "kestrel.sock");

    /// <summary>Asks the app over its socket.</summary>
    public HttpClient Client { get; private set; } = null!;

    /// <summary>What the app has printed so far.</summary>
    public string Output
    {
        get
        {
            lock (_output)
            {
                return string.Join('\n', _output);
            }
        }
    }

    /// <summary>Starts the app and waits until its socket is there.</summary>
    public async ValueTask InitializeAsync()
    {
        _process = Start("{{ cookiecutter.project_slug }}.dll");
        Client = new HttpClient(new SocketsHttpHandler { ConnectCallback = ConnectAsync })
        {
            BaseAddress = new Uri("http://localhost"),
            Timeout = Deadline,
        };

        using var deadline = new CancellationTokenSource(Deadline);
        while (!File.Exists(SocketPath))
        {
            Assert.False(_process.HasExited, $"The app has stopped:\n{Output}");
            Assert.False(deadline.IsCancellationRequested, $"There is no {SocketPath} after {Deadline}:\n{Output}");
            await Task.Delay(20, CancellationToken.None);
        }
    }

    /// <summary>Runs a command, such as "health", beside the running app.</summary>
    /// <param name="program">What runs it: the app, or UnixSocket.dll.</param>
    /// <param name="command">The command.</param>
    /// <returns>Its exit code.</returns>
    public async Task<int> RunCommandAsync(string program, string command)
    {
        using var process = Start(program, command);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return process.ExitCode;
    }

    /// <summary>Asks the app to stop, as `docker stop` does, and waits until it has.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> StopAsync()
    {
        using (var kill = Process.Start("kill", ["-TERM", $"{_process!.Id}"]))
        {
            await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        await _process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Deadline);
        return _process.ExitCode;
    }

    /// <summary>Ends the app, if it still runs, and removes its directory.</summary>
    public async ValueTask DisposeAsync()
    {
        Client?.Dispose();
        if (_process is not null)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
            _process.Dispose();
        }

        _directory.Delete(recursive: true);
    }

    private Process Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, program), .. arguments])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            WorkingDirectory = AppContext.BaseDirectory,
        };
        start.Environment["Socket__Path"] = SocketPath;
        start.Environment["TMPDIR"] = _directory.FullName; // an instance notes its name there
        start.Environment.Remove("ASPNETCORE_ENVIRONMENT");

        var process = Process.Start(start)!;
        process.OutputDataReceived += Keep;
        process.ErrorDataReceived += Keep;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_output)
        {
            _output.Add(line.Data ?? "");
        }
    }

    private async ValueTask<Stream> ConnectAsync(
        SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
