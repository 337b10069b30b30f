using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.Features;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Test endpoints that show what a proxy makes of a request and of a response.</summary>
internal static partial class RequestEndpoints
{
    internal sealed record Received(
        string Method, string Target, string Scheme, string? Host, string? PathBase, string? Client,
        Dictionary<string, string> Headers, string Body);

    [JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
    [JsonSerializable(typeof(Received))]
    private sealed partial class ReceivedJsonContext : JsonSerializerContext;

    // Compiled ahead of time, a lambda that names the context itself would answer nothing: it is generated code, as is the
    // code that calls the lambda, which is generated without a sight of it and takes the lambda for one without a result.
    private static IResult AsJson(Received received) => Results.Json(received, ReceivedJsonContext.Default.Received);

    public static WebApplication MapRequests(this WebApplication app)
    {
        // What reached the app.
        app.Map("/request/{**rest}", async (HttpContext http) =>
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            var received = new Received(
                http.Request.Method,
                http.Features.Get<IHttpRequestFeature>()!.RawTarget,
                http.Request.Scheme,
                http.Request.Host.Value,
                http.Request.PathBase.Value,
                http.Connection.RemoteIpAddress?.ToString(),
                http.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString()),
                Encoding.Latin1.GetString(body.ToArray()));
            return AsJson(received);
        });

        // A response of any size: `headers` bytes of headers in lines of 1,000, one header of `header` bytes.
        app.MapGet("/response", (HttpContext http, int headers = 0, int header = 0, int bytes = 2, int status = 200, string type = "text/plain") =>
        {
            for (var i = 0; i < headers / 1000; i++)
            {
                http.Response.Headers[$"X-Long-{i:00}"] = new string('x', 988);
            }

            http.Response.Headers["X-Longest"] = new string('x', header);
            return Results.Text(new string('x', bytes), type, statusCode: status);
        });

        // A response that begins at once and ends when so many seconds have passed.
        app.MapGet("/halves", async (HttpContext http, double seconds) =>
        {
            await http.Response.WriteAsync("first half, ", CancellationToken.None);
            await http.Response.Body.FlushAsync(CancellationToken.None);
            await Task.Delay(TimeSpan.FromSeconds(seconds), CancellationToken.None);
            await http.Response.WriteAsync("second half", CancellationToken.None);
        });

        // An event stream that says nothing between its two events.
        app.MapGet("/quiet-events", async (HttpContext http, double seconds) =>
        {
            http.Response.ContentType = "text/event-stream";
            await http.Response.WriteAsync("data: first\n\n", http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
            await Task.Delay(TimeSpan.FromSeconds(seconds), http.RequestAborted);
            await http.Response.WriteAsync("data: last\n\n", http.RequestAborted);
        });

        app.MapGet("/echo-websocket", async (HttpContext http) =>
        {
            using var socket = await http.WebSockets.AcceptWebSocketAsync();
            var buffer = new byte[4096];
            while (await socket.ReceiveAsync(buffer, CancellationToken.None) is { CloseStatus: null } received)
            {
                await socket.SendAsync(
                    buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, CancellationToken.None);
            }

            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        });

        return app;
    }
}
