using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.Features;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Pages for the tests of proxies: they record what reaches the app, and break a response off.</summary>
internal static partial class RecordingEndpoints
{
    internal sealed record Recorded(
        int Number, string Method, string Target, string Scheme, Dictionary<string, string> Headers)
    {
        public string? Body { get; set; } // null: the body did not end
    }

    [JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
    [JsonSerializable(typeof(IEnumerable<Recorded>))]
    private sealed partial class RecordedJsonContext : JsonSerializerContext;

    /// <summary>
    /// Records each request for /odd/… or with the header X-Odd, and numbers its response in X-Recorded.
    /// /recorded?after=N returns the later ones.
    /// </summary>
    public static WebApplication MapRecording(this WebApplication app)
    {
        var recorded = new ConcurrentQueue<Recorded>();
        var last = 0;

        app.Use(async (http, next) =>
        {
            var target = http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
            if (!target.Contains("/odd/", StringComparison.Ordinal) && !http.Request.Headers.ContainsKey("X-Odd"))
            {
                await next();
                return;
            }

            var number = Interlocked.Increment(ref last);
            var request = new Recorded(
                number,
                http.Request.Method,
                target,
                http.Request.Scheme,
                http.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString()));
            recorded.Enqueue(request);
            http.Response.Headers["X-Recorded"] = number.ToString(CultureInfo.InvariantCulture);

            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body, http.RequestAborted);
            request.Body = Encoding.Latin1.GetString(body.ToArray());
            await next();
        });

        app.MapGet("/recorded", (int after) =>
            Results.Json(recorded.Where(request => request.Number > after), RecordedJsonContext.Default.IEnumerableRecorded));
        app.Map("/odd/{**rest}", () => "odd");

        // A response of which the first megabyte is sent, and which breaks off when /break-off is asked for.
        var end = new TaskCompletionSource();
        app.MapGet("/broken-off", async (HttpContext http, long? length) =>
        {
            var ended = (end = new TaskCompletionSource()).Task;
            http.Response.ContentLength = length;
            await http.Response.WriteAsync(new string('x', 1_000_000));
            await http.Response.Body.FlushAsync();
            await ended;
            http.Abort();
        });
        app.MapGet("/break-off", () => end.SetResult());
        return app;
    }
}
