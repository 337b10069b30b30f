namespace UnixSocket.Tests;

public sealed class HealthProbeTests
{
    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n", "add localhost to AllowedHosts")]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\nAn HTTP/2 only endpoint.", "Http1AndHttp2")]
    [InlineData("HTTP/1.1 307 Temporary Redirect\r\nLocation: /login\r\n\r\n", "307, Location: /login: keep")]
    [InlineData("HTTP/1.1 401 Unauthorized\r\n\r\n", "AllowAnonymous()")]
    [InlineData("HTTP/1.1 404 Not Found\r\n\r\n", "Socket:HealthEndpoint")]
    [InlineData("HTTP/1.1 503 Service Unavailable\r\n\r\n", "a health check fails")]
    [InlineData("HTTP/1.1 418 I'm a teapot\r\n\r\n", "\"HTTP/1.1 418 I'm a teapot\"")]
    [InlineData("", "does not answer in HTTP/1.1")]
    public void AnswerIsExplainedWithWhatToDo(string answer, string remedy) =>
        Assert.Contains(remedy, HealthProbe.Explain(answer), StringComparison.Ordinal);

    [Fact]
    public void MissingSocketIsExplained() =>
        Assert.StartsWith("/nowhere/app.sock: ", HealthProbe.Ask("/nowhere/app.sock"), StringComparison.Ordinal);
}
