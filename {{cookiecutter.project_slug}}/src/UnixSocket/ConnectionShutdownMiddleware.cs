using System.Net.WebSockets;
using Microsoft.AspNetCore.Http.Features;

namespace UnixSocket;

/// <summary>Closes long connections of a stopping app cleanly, so that they do not hold up its shutdown.</summary>
internal sealed class ConnectionShutdownMiddleware(RequestDelegate next, IHostApplicationLifetime lifetime)
{
    /// <summary>Tells websockets and event streams that the app is shutting down, as
    /// <see cref="UnixSocketOptions.ConnectionShutdown"/> says.</summary>
    /// <param name="context">The request.</param>
    /// <returns>The end of the request.</returns>
    public Task InvokeAsync(HttpContext context) =>
        IsUpgrade(context.Features) ? RunUpgradeAsync(context)
        : AcceptsEventStream(context.Request) ? RunEventStreamAsync(context)
        : next(context);

    private static bool IsUpgrade(IFeatureCollection features) =>
        features.Get<IHttpWebSocketFeature>() is { IsWebSocketRequest: true }
        || features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true }
        || features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true };

    private static bool AcceptsEventStream(HttpRequest request) =>
        request.Headers.Accept.ToString().Contains("text/event-stream", StringComparison.OrdinalIgnoreCase);

    private async Task RunUpgradeAsync(HttpContext context)
    {
        // The app's own UseWebSockets() comes later, with options of its own. It finds a request whose features wrap the
        // websocket that it offers. The other features are shared, once the request's services are there.
        _ = context.RequestServices;
        using var features = new WebSocketFeatures(context.Features, lifetime.ApplicationStopping);
        try
        {
            await next(new DefaultHttpContext(features));
        }
        catch (WebSocketException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // The endpoint has used a websocket that is closed already.
        }
    }

    private async Task RunEventStreamAsync(HttpContext context)
    {
        var aborted = context.RequestAborted;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(aborted, lifetime.ApplicationStopping);
        context.RequestAborted = ending.Token;
        try
        {
            await next(context);
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // The stream ends here, and not with an error.
        }
        finally
        {
            context.RequestAborted = aborted;
        }
    }
}
