using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace {{ cookiecutter.__namespace }};

/// <summary>A request to an instance's /healthz that costs next to nothing: no HttpClient, no host.</summary>
internal static class SocketHealth
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(4);

    /// <summary>Asks once.</summary>
    /// <param name="socketPath">The instance's own socket.</param>
    /// <returns>Null if the answer is 200, otherwise what is wrong, in words.</returns>
    public static string? Ask(string socketPath)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
        {
            // It bounds connect too, which waits while a frozen app's queue is full.
            SendTimeout = (int)Timeout.TotalMilliseconds,
            ReceiveTimeout = (int)Timeout.TotalMilliseconds,
        };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(socketPath));
            socket.Send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8);
            Span<byte> statusLine = stackalloc byte["HTTP/1.1 200".Length];
            var length = 0;
            while (length < statusLine.Length && socket.Receive(statusLine[length..]) is > 0 and var read)
            {
                length += read;
            }

            return statusLine.SequenceEqual("HTTP/1.1 200"u8)
                ? null
                : $"/healthz answers \"{Encoding.ASCII.GetString(statusLine[..length])}\" (a 400 where AllowedHosts "
                + "lacks localhost, a 401 or 302 where it asks for a login)";
        }
        catch (SocketException e)
        {
            return $"{socketPath}: {e.Message}";
        }
    }
}
