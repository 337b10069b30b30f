using System.Net.WebSockets;
using Microsoft.AspNetCore.Http.Features;

namespace UnixSocket;

/// <summary>Closes the websocket that a request accepts when the app shuts down.</summary>
internal sealed class ClosingWebSocketFeature(IHttpWebSocketFeature inner, CancellationToken stopping)
    : IHttpWebSocketFeature, IDisposable
{
    // For the client to answer the close frame.
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _ended = new();
    private CancellationTokenRegistration _registration;

    /// <inheritdoc />
    public bool IsWebSocketRequest => inner.IsWebSocketRequest;

    /// <inheritdoc />
    public async Task<WebSocket> AcceptAsync(WebSocketAcceptContext context)
    {
        var socket = await inner.AcceptAsync(context);
        _registration = stopping.Register(() => _ = CloseAsync(socket));
        return socket;
    }

    /// <summary>Ends the wait for the client: the request is over.</summary>
    public void Dispose()
    {
        _registration.Dispose();
        _ended.Cancel();
        _ended.Dispose();
    }

    // The endpoint keeps receiving, and so reads the client's answer. Cancelling its receive would abort the connection.
    private async Task CloseAsync(WebSocket socket)
    {
        var ended = _ended.Token;
        try
        {
            await socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, "The app is shutting down.", ended);
            await Task.Delay(AnswerTimeout, ended);
            socket.Abort();
        }
        catch (OperationCanceledException)
        {
            // The request is over.
        }
        catch (WebSocketException)
        {
            socket.Abort(); // closed from the other side, or broken
        }
    }
}
