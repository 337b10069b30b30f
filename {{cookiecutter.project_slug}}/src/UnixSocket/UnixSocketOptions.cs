namespace UnixSocket;

/// <summary>The settings of <see cref="UnixSocketExtensions.AddUnixSocketDefaults"/>.</summary>
/// <remarks>They are read from the configuration section "Socket".</remarks>
public sealed class UnixSocketOptions
{
    /// <summary>How long a stopping instance waits for its connections to end before it closes its socket.</summary>
    /// <value>Five seconds unless set. More than zero, and at most the host's shutdown timeout.</value>
    /// <remarks>It must be longer than the proxy keeps an idle connection, or Kestrel closes connections on which the
    /// proxy is about to send. Requests that take longer continue until the host's shutdown timeout.</remarks>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Whether a missing directory of the socket is created, with mode 0710.</summary>
    /// <value>Unless set, only in the environment Development.</value>
    /// <remarks>With a volume mounted at that directory, leave it off: a new directory would hide that the volume is
    /// missing.</remarks>
    public bool? CreateDirectory { get; set; }

    /// <summary>Whether X-Forwarded-For and X-Forwarded-Proto give the client's address and the scheme.</summary>
    /// <value>True unless set.</value>
    /// <remarks>To take others, set <c>ForwardedHeadersOptions.ForwardedHeaders</c>.</remarks>
    public bool ForwardedHeaders { get; set; } = true;

    /// <summary>Whether each response names its trace id in the header X-Request-ID.</summary>
    /// <value>True unless set.</value>
    public bool RequestId { get; set; } = true;

    /// <summary>Whether an exception that the app does not handle is answered with problem details.</summary>
    /// <value>True unless set. If false, Kestrel answers 500 with neither a body nor an X-Request-ID.</value>
    public bool ExceptionHandler { get; set; } = true;

    /// <summary>Whether websockets and event streams are told that the app is shutting down.</summary>
    /// <value>True unless set.</value>
    /// <remarks>A websocket gets the close frame 1001 (going away), and is aborted five seconds later if its client has
    /// not answered. A request that accepts <c>text/event-stream</c> finds its <c>RequestAborted</c> cancelled. Other
    /// requests continue until the host's shutdown timeout.</remarks>
    public bool ConnectionShutdown { get; set; } = true;

    /// <summary>Whether /healthz answers anybody, whatever the Host header, with the health checks.</summary>
    /// <value>True unless set.</value>
    /// <remarks>An endpoint that the app maps at /healthz answers instead. Set it to false if a middleware of the app
    /// answers there. The socket is published only once /healthz answers 200.</remarks>
    public bool HealthEndpoint { get; set; } = true;

    /// <summary>Whether the app answers the commands <c>health</c>, <c>serves</c>, <c>take-over</c>.</summary>
    /// <value>True unless set.</value>
    /// <remarks>An app that is compiled ahead of time has no UnixSocket.dll to run them.</remarks>
    public bool Commands { get; set; } = true;

    /// <summary>Whether an app that cannot serve its socket says so in one line, and exits with 1.</summary>
    /// <value>True unless set. If false, the runtime prints a stack trace and aborts.</value>
    public bool ShortErrors { get; set; } = true;
}
