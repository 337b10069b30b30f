namespace UnixSocket.Tests;

public sealed class CommandTests
{
    [Fact]
    public async Task CommandsSpeakToTheInstanceThatRunsHere()
    {
        var path = TestInstance.NewPath();
        await using var app = await TestInstance.ServeAsync(path);

        Assert.Equal(0, SocketCommands.Run(["health"]));
        Assert.Equal(0, SocketCommands.Run(["serves"]));

        var name = TestInstance.Target(path)!;
        File.Delete(path);
        File.CreateSymbolicLink(path, "app.sock.01234567");
        Assert.Equal(1, SocketCommands.Run(["serves"]));
        Assert.Equal(0, SocketCommands.Run(["take-over"]));
        Assert.Equal(name, TestInstance.Target(path));
    }

    [Fact]
    public async Task CommandsFailWhereNoInstanceRuns()
    {
        await using (var app = await TestInstance.ServeAsync(TestInstance.NewPath()))
        {
            await app.StopAsync();
        }

        Assert.Equal(1, SocketCommands.Run(["health"]));
        Assert.Equal(1, SocketCommands.Run(["serves"]));
        Assert.Equal(1, SocketCommands.Run(["take-over"]));
    }

    [Fact]
    public void OtherArgumentsAreNoCommand()
    {
        Assert.Null(SocketCommands.Run([]));
        Assert.Null(SocketCommands.Run(["health", "--now"]));
        Assert.Null(SocketCommands.Run(["--urls", "http://localhost:5080"]));
    }
}
