using System.Net.WebSockets;
using System.Text.Json.Serialization;

namespace Microsoft.AspNetCore.Builder;

/// <summary>What the benchmark asks for beside "/", the template's own page of 12 bytes.</summary>
/// <remarks>It is the same code under the JIT and compiled ahead of time, so nothing here inspects types at run time.
/// </remarks>
internal static class BenchEndpoints
{
    private static readonly byte[] Body = new byte[1 << 20];

    private static readonly BenchPage Page = new(
        "benchmark",
        [.. Enumerable.Range(1000, 11).Select(number => new BenchItem(number, $"item {number}", "of a page of JSON", number / 8.0, number % 2 == 0))]);

    /// <summary>Adds /json (about 1 KB), /64k, /1m, /upload (answers with the length) and /websocket (echoes).</summary>
    public static WebApplication MapBench(this WebApplication app)
    {
        app.UseWebSockets();
        app.MapGet("/json", http => http.Response.WriteAsJsonAsync(Page, BenchJson.Default.BenchPage));
        app.MapGet("/64k", http => SendAsync(http.Response, 1 << 16));
        app.MapGet("/1m", http => SendAsync(http.Response, 1 << 20));
        app.MapPost("/upload", ReceiveAsync);
        app.MapGet("/websocket", EchoAsync);
        return app;
    }

    private static async Task SendAsync(HttpResponse response, int length)
    {
        response.ContentType = "application/octet-stream";
        response.ContentLength = length;
        await response.Body.WriteAsync(Body.AsMemory(0, length));
    }

    private static async Task ReceiveAsync(HttpContext http)
    {
        var length = 0L;
        while (true)
        {
            var read = await http.Request.BodyReader.ReadAsync();
            length += read.Buffer.Length;
            http.Request.BodyReader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                break;
            }
        }

        await http.Response.WriteAsync($"{length}");
    }

    private static async Task EchoAsync(HttpContext http)
    {
        using var socket = await http.WebSockets.AcceptWebSocketAsync();
        var buffer = new byte[4096];
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(), http.RequestAborted);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, http.RequestAborted);
                break;
            }

            await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, http.RequestAborted);
        }
    }
}

internal sealed record BenchItem(int Number, string Name, string Text, double Price, bool Available);

internal sealed record BenchPage(string Title, IReadOnlyList<BenchItem> Items);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(BenchPage))]
internal sealed partial class BenchJson : JsonSerializerContext;
