using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace {{ cookiecutter.__namespace }};

/// <summary>The settings of the socket's lifecycle, read from the configuration section "Socket".</summary>
public sealed class SocketLifecycleOptions
{
    /// <summary>How long a stopping instance waits for its connections to end before it closes its socket.</summary>
    /// <value>Five seconds unless set. Requests that take longer go on until the host's own shutdown timeout.</value>
    /// <remarks>It must be longer than the proxy keeps an idle connection (H2O: <c>proxy.timeout.keepalive</c>), or
    /// Kestrel closes connections on which the proxy is about to send.</remarks>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(5);
}
