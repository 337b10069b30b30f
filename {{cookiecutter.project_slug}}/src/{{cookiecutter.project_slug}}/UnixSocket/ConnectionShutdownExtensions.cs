using System.Net.WebSockets;
using Microsoft.AspNetCore.Http.Features;

namespace {{ cookiecutter.__namespace }}.UnixSocket;

/// <summary>Ends long connections of a stopping app in order, so that they do not hold up its shutdown.</summary>
public static class ConnectionShutdownExtensions
{
    /// <summary>Tells websockets and event streams that the app stops.</summary>
    /// <param name="app">The pipeline. Call it before the endpoints are mapped.</param>
    /// <returns><paramref name="app"/>, for further calls.</returns>
    /// <remarks>
    /// <para>A websocket gets the close frame 1001 (going away), and is aborted five seconds later if its client has not
    /// answered. A request that accepts <c>text/event-stream</c> finds its <c>RequestAborted</c> cancelled. Other requests
    /// go on until the host's shutdown timeout.</para>
    /// <para>It calls <c>UseWebSockets()</c>. For options of your own, call that before.</para>
    /// </remarks>
    public static IApplicationBuilder UseConnectionShutdown(this IApplicationBuilder app)
    {
        ArgumentNullException.ThrowIfNull(app);
        var stopping = app.ApplicationServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        return app.UseWebSockets().Use(next => context =>
            context.Features.Get<IHttpWebSocketFeature>() is { IsWebSocketRequest: true } feature
                ? RunWebSocketAsync(context, next, feature, stopping)
                : AcceptsEventStream(context.Request) ? RunEventStreamAsync(context, next, stopping) : next(context));
    }

    private static bool AcceptsEventStream(HttpRequest request) =>
        request.Headers.Accept.ToString().Contains("text/event-stream", StringComparison.OrdinalIgnoreCase);

    private static async Task RunWebSocketAsync(
        HttpContext context, RequestDelegate next, IHttpWebSocketFeature feature, CancellationToken stopping)
    {
        using var closing = new ClosingWebSocketFeature(feature, stopping);
        context.Features.Set<IHttpWebSocketFeature>(closing);
        try
        {
            await next(context);
        }
        catch (WebSocketException) when (stopping.IsCancellationRequested)
        {
            // The endpoint has used a websocket that is closed already.
        }
    }

    private static async Task RunEventStreamAsync(HttpContext context, RequestDelegate next, CancellationToken stopping)
    {
        var aborted = context.RequestAborted;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(aborted, stopping);
        context.RequestAborted = ending.Token;
        try
        {
            await next(context);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The stream ends here, and not with an error.
        }
        finally
        {
            context.RequestAborted = aborted;
        }
    }
}
