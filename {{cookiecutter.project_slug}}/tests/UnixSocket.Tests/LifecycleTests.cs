using System.Net.Sockets;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace UnixSocket.Tests;

public sealed class LifecycleTests
{
    [Fact]
    public async Task PathLeadsToTheNewestInstanceAndThenToTheOneThatIsLeft()
    {
        var path = TestInstance.NewPath();
        await using var first = await TestInstance.ServeAsync(path);
        var firstName = TestInstance.Target(path);
        await using var second = await TestInstance.ServeAsync(path);
        var secondName = TestInstance.Target(path);

        await second.StopAsync();

        Assert.NotEqual(firstName, secondName);
        Assert.Equal(firstName, TestInstance.Target(path));
        Assert.Equal("Healthy", await first.Client.GetStringAsync("/healthz", TestContext.Current.CancellationToken));
        await first.StopAsync();
        Assert.Equal(["app.sock.lock"], Names(path));
    }

    [Fact]
    public async Task SocketIsForItsOwnerAndGroupAlone()
    {
        var path = TestInstance.NewPath();
        await using var app = await TestInstance.ServeAsync(path);

        var own = new FileInfo(Path.Combine(Path.GetDirectoryName(path)!, TestInstance.Target(path)!));

        const UnixFileMode ReadAndWrite = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        Assert.Equal(ReadAndWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite, own.UnixFileMode);
    }

    [Fact]
    public async Task UnhealthyInstanceIsNotPublished()
    {
        var path = TestInstance.NewPath();
        await using var healthy = await TestInstance.ServeAsync(path);
        var name = TestInstance.Target(path);
        await using var sick = await TestInstance.StartAsync(path, builder =>
            builder.Services.AddHealthChecks().AddCheck("sick", () => HealthCheckResult.Unhealthy()));

        await Task.Delay(300, TestContext.Current.CancellationToken);

        Assert.Equal(name, TestInstance.Target(path));
    }

    [Fact]
    public async Task SocketOfKilledInstanceIsRemoved()
    {
        var path = TestInstance.NewPath();
        using (var killed = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            killed.Bind(new UnixDomainSocketEndPoint(path + ".01234567"));
        }

        File.CreateSymbolicLink(path, "app.sock.01234567");
        await using var app = await TestInstance.ServeAsync(path);

        Assert.Equal(["app.sock", TestInstance.Target(path)!, "app.sock.lock"], Names(path));
    }

    [Fact]
    public async Task ForeignFileAtThePathIsRefusedAndKept()
    {
        var path = TestInstance.NewPath();
        await File.WriteAllTextAsync(path, "mine", TestContext.Current.CancellationToken);

        var refusal = await Assert.ThrowsAsync<SocketUnavailableException>(() => TestInstance.StartAsync(path));

        Assert.Equal($"{path} is a file, not a socket. Move it away, or set another Socket:Path.", refusal.Message);
        Assert.Equal("mine", await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task SecondSocketIsRefused()
    {
        var path = TestInstance.NewPath();

        var refusal = await Assert.ThrowsAsync<SocketUnavailableException>(() => TestInstance.StartAsync(path, builder =>
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenUnixSocket(path + "2"))));

        Assert.Contains("two Unix sockets", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("00:00:00")]
    [InlineData("01:00:00")]
    public async Task DrainThatCannotBeKeptIsRefused(string timeout)
    {
        var refusal = await Assert.ThrowsAsync<OptionsValidationException>(() => TestInstance.StartAsync(
            TestInstance.NewPath(), builder => builder.Configuration["Socket:DrainTimeout"] = timeout));

        Assert.StartsWith($"Socket:DrainTimeout is {timeout}, ", refusal.Message, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Names(string path)
    {
        var folder = new DirectoryInfo(Path.GetDirectoryName(path)!);
        return folder.EnumerateFileSystemInfos().Select(entry => entry.Name).Order(StringComparer.Ordinal);
    }
}
