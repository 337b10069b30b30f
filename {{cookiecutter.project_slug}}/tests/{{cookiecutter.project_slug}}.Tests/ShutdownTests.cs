namespace {{ cookiecutter.__namespace }}.Tests;

public sealed class ShutdownTests
{
    [Fact]
    public async Task StoppedAppLeavesNoSocketBehind()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no SIGTERM.");
        await using var app = new AppProcess();
        await app.InitializeAsync();

        Assert.Equal(0, await app.StopAsync());

        // The lock is an empty file that the next instance uses again.
        var names = Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(app.SocketPath)!, "kestrel.sock*");
        Assert.Equal(["kestrel.sock.lock"], names.Select(Path.GetFileName));
    }
}
