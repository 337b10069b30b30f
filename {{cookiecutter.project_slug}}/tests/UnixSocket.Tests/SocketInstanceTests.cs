namespace UnixSocket.Tests;

public sealed class SocketInstanceTests
{
    [Fact]
    public void NameOfNewInstanceIsThePathAndARandomSuffix()
    {
        var instance = SocketInstance.Create("/tmp/shop/app.sock");

        Assert.Matches("^/tmp/shop/app\\.sock\\.[0-9a-f]{8}$", instance.OwnPath);
        Assert.Equal(instance, SocketInstance.Parse(instance.OwnPath));
    }

    [Theory]
    [InlineData("")]
    [InlineData("app.sock.01234567")]
    [InlineData("/tmp/app.sock")]
    [InlineData("/tmp/app.sock.0123456")]
    [InlineData("/tmp/app.sock.0123456G")]
    public void OtherTextIsNoInstance(string text) => Assert.Null(SocketInstance.Parse(text));

    [Fact]
    public void PathThatIsTooLongForASocketIsRefused()
    {
        var refusal = Assert.Throws<SocketUnavailableException>(() => SocketInstance.Create("/" + new string('x', 107)));

        Assert.Contains("bytes too long", refusal.Message, StringComparison.Ordinal);
    }
}
