using System.Collections;
using Microsoft.AspNetCore.Http.Features;

namespace UnixSocket;

/// <summary>A request's features, with a websocket feature that is wrapped in <see cref="ClosingWebSocketFeature"/>
/// whoever sets it: the app's UseWebSockets, or SignalR.</summary>
internal sealed class WebSocketFeatures : IFeatureCollection, IDisposable
{
    private readonly IFeatureCollection _inner;
    private readonly CancellationToken _stopping;
    private ClosingWebSocketFeature? _closing;

    /// <summary>Takes over the features of a request.</summary>
    /// <param name="inner">The features; what is set here is set there.</param>
    /// <param name="stopping">Cancelled when the app is shutting down.</param>
    public WebSocketFeatures(IFeatureCollection inner, CancellationToken stopping)
    {
        (_inner, _stopping) = (inner, stopping);
        Set(inner.Get<IHttpWebSocketFeature>());
    }

    /// <inheritdoc />
    public bool IsReadOnly => _inner.IsReadOnly;

    /// <inheritdoc />
    public int Revision => _inner.Revision;

    /// <inheritdoc />
    public object? this[Type key]
    {
        get => _inner[key];
        set => _inner[key] = Wrap(key, value);
    }

    /// <inheritdoc />
    public TFeature? Get<TFeature>() => _inner.Get<TFeature>();

    /// <inheritdoc />
    public void Set<TFeature>(TFeature? instance) => _inner.Set((TFeature?)Wrap(typeof(TFeature), instance));

    /// <inheritdoc />
    public IEnumerator<KeyValuePair<Type, object>> GetEnumerator() => _inner.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Ends the wait for the client of the websocket: the request is over.</summary>
    public void Dispose() => _closing?.Dispose();

    private object? Wrap(Type key, object? feature)
    {
        if (key != typeof(IHttpWebSocketFeature) || feature is not IHttpWebSocketFeature websocket)
        {
            return feature;
        }

        _closing?.Dispose();
        return _closing = new ClosingWebSocketFeature(websocket, _stopping);
    }
}
