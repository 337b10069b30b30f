using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace UnixSocket.Tests;

public sealed class PipelineTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task EachPartIsSwitchedOffByItsSetting(bool on)
    {
        string[] switches = ["ForwardedHeaders", "RequestId", "ExceptionHandler", "HealthEndpoint"];
        await using var app = await TestInstance.StartAsync(
            TestInstance.NewPath(),
            builder => Array.ForEach(switches, name => builder.Configuration[$"Socket:{name}"] = $"{on}"),
            app =>
            {
                app.MapGet("/scheme", (HttpRequest request) => request.Scheme);
                app.MapGet("/throw", void () => throw new InvalidOperationException("planned"));
                app.MapGet("/ready", () => "ready");
                app.MapHealthChecks(on ? "/other" : "/healthz");
            });
        await TestInstance.EventuallyAsync(() => File.Exists(app.Path));

        using var request = new HttpRequestMessage(HttpMethod.Get, "/scheme");
        request.Headers.Add("X-Forwarded-Proto", "https");
        using var forwarded = await app.Client.SendAsync(request, Cancelled);
        Assert.Equal(on ? "https" : "http", await forwarded.Content.ReadAsStringAsync(Cancelled));
        Assert.Equal(on, forwarded.Headers.Contains("X-Request-ID"));

        using var failed = await app.Client.GetAsync("/throw", Cancelled);
        Assert.Equal(HttpStatusCode.InternalServerError, failed.StatusCode);
        Assert.Equal(on ? "application/problem+json" : null, failed.Content.Headers.ContentType?.MediaType);
        Assert.Equal(on, failed.Headers.Contains("X-Request-ID"));
    }

    [Fact]
    public async Task HealthEndpointAnswersWhateverTheHostHeader()
    {
        await using var app = await TestInstance.ServeAsync(
            TestInstance.NewPath(),
            builder => builder.Configuration["AllowedHosts"] = "example.org",
            app => app.MapGet("/", () => "page"));

        Assert.Equal("Healthy", await app.Client.GetStringAsync("/healthz", Cancelled));
    }

    [Theory]
    [InlineData("/healthz")]
    [InlineData("healthz/")]
    public async Task EndpointOfTheAppAnswersInsteadOfTheHealthEndpoint(string pattern)
    {
        await using var app = await TestInstance.ServeAsync(
            TestInstance.NewPath(), map: app => app.MapGet(pattern, () => "the app's own"));

        Assert.Equal("the app's own", await app.Client.GetStringAsync("/healthz", Cancelled));
    }

    [Fact]
    public async Task StopClosesWebSocketWithItsFrame()
    {
        await using var app = await TestInstance.ServeAsync(TestInstance.NewPath(), map: app =>
        {
            app.UseWebSockets();
            app.MapGet("/websocket", async (HttpContext http) =>
            {
                using var socket = await http.WebSockets.AcceptWebSocketAsync();
                var received = await socket.ReceiveAsync(new byte[16], http.RequestAborted);
                await socket.CloseOutputAsync(received.CloseStatus!.Value, null, http.RequestAborted);
            });
        });
        using var client = new ClientWebSocket();
        await client.ConnectAsync(new Uri("ws://localhost/websocket"), app.Client, Cancelled);

        var stopping = app.StopAsync();
        var received = await client.ReceiveAsync(new byte[16], Cancelled);
        await client.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, Cancelled);
        await stopping;

        Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, received.CloseStatus);
        Assert.Equal("The app is shutting down.", received.CloseStatusDescription);
    }

    [Fact]
    public async Task OptionsOfTheAppsOwnWebSocketsHold()
    {
        await using var app = await TestInstance.ServeAsync(TestInstance.NewPath(), map: app =>
        {
            var options = new WebSocketOptions();
            options.AllowedOrigins.Add("https://example.org");
            app.UseWebSockets(options);
            app.MapGet("/websocket", async http => await http.WebSockets.AcceptWebSocketAsync());
        });
        using var client = new ClientWebSocket();
        client.Options.SetRequestHeader("Origin", "https://evil.example");
        client.Options.CollectHttpResponseDetails = true;

        await Assert.ThrowsAsync<WebSocketException>(
            () => client.ConnectAsync(new Uri("ws://localhost/websocket"), app.Client, Cancelled));

        Assert.Equal(HttpStatusCode.Forbidden, client.HttpStatusCode);
    }

    [Fact]
    public async Task StopEndsEventStream()
    {
        await using var app = await TestInstance.ServeAsync(TestInstance.NewPath(), map: app =>
            app.MapGet("/events", async (HttpContext http) =>
            {
                await http.Response.WriteAsync("data: first\n\n", http.RequestAborted);
                await http.Response.Body.FlushAsync(http.RequestAborted);
                await Task.Delay(Timeout.Infinite, http.RequestAborted);
            }));
        app.Client.DefaultRequestHeaders.Accept.ParseAdd("text/event-stream");
        using var response = await app.Client.GetAsync("/events", HttpCompletionOption.ResponseHeadersRead, Cancelled);

        var stopping = app.StopAsync();
        var events = await response.Content.ReadAsStringAsync(Cancelled);
        app.Client.Dispose();
        await stopping;

        Assert.Equal("data: first\n\n", events);
    }
}
