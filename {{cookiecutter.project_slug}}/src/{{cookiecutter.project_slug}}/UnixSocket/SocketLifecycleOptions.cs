namespace {{ cookiecutter.__namespace }}.UnixSocket;

/// <summary>The settings of the socket's lifecycle, read from the configuration section "Socket".</summary>
public sealed class SocketLifecycleOptions
{
    /// <summary>How long a stopping instance waits for its connections to end before it closes its socket.</summary>
    /// <value>Five seconds unless set. More than zero, and at most the host's shutdown timeout.</value>
    /// <remarks>It must be longer than the proxy keeps an idle connection, or Kestrel closes connections on which the
    /// proxy is about to send. Requests that take longer go on until the host's shutdown timeout.</remarks>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Whether a missing directory of the socket is created, with mode 0710.</summary>
    /// <value>Unless set, only in the environment Development.</value>
    /// <remarks>With a volume mounted at that directory, leave it off: a new directory would hide that the volume is
    /// missing.</remarks>
    public bool? CreateDirectory { get; set; }
}
