using System.Net.Sockets;
using System.Text;

namespace UnixSocket;

/// <summary>Requests /healthz from an instance, without the cost of an HttpClient or a host.</summary>
internal static class HealthProbe
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(4);

    /// <summary>Asks once, and waits for the answer.</summary>
    /// <param name="socketPath">The instance's own socket.</param>
    /// <param name="timeout">The longest wait for each step; four seconds unless given.</param>
    /// <returns>Null if the answer is 200, otherwise what is wrong and what to do.</returns>
    public static string? Ask(string socketPath, TimeSpan? timeout = null)
    {
        var limit = (int)(timeout ?? DefaultTimeout).TotalMilliseconds;
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
        {
            // It bounds connect too, which waits while a frozen app's queue is full.
            SendTimeout = limit,
            ReceiveTimeout = limit,
        };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(socketPath));
            socket.Send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"u8);
            Span<byte> answer = stackalloc byte[2048];
            var length = 0;
            while (length < answer.Length && socket.Receive(answer[length..]) is > 0 and var read)
            {
                length += read;
                if (answer[..length].StartsWith("HTTP/1.1 200"u8))
                {
                    return null;
                }
            }

            return Explain(Encoding.ASCII.GetString(answer[..length]));
        }
        catch (SocketException e)
        {
            return $"{socketPath}: {e.Message}";
        }
    }

    /// <summary>Explains an answer that is not 200.</summary>
    /// <param name="answer">Its beginning, as it came.</param>
    /// <returns>What is wrong and what to do, in one line.</returns>
    internal static string Explain(string answer)
    {
        var lines = answer.Split("\r\n");
        var status = lines[0].Split(' ') is [_, var code, ..] ? code : "";
        return status switch
        {
            "400" when answer.Contains("HTTP/2", StringComparison.Ordinal) =>
                "the endpoint speaks HTTP/2 only, but the proxy HTTP/1.1: set its Protocols to Http1AndHttp2",
            "400" => "/healthz answers 400: add localhost to AllowedHosts",
            "301" or "302" or "303" or "307" or "308" =>
                $"/healthz answers {status}, {Header(lines, "Location")}: keep UseHttpsRedirection and logins away "
                + "from it",
            "401" or "403" => $"/healthz answers {status}: let it answer anybody, with AllowAnonymous()",
            "404" => "/healthz answers 404: set Socket:HealthEndpoint to true, or map it with MapHealthChecks",
            "503" => "/healthz answers 503: a health check fails",
            "" => "the instance does not answer in HTTP/1.1: does its endpoint require TLS or HTTP/2?",
            _ => $"/healthz answers \"{lines[0]}\"",
        };
    }

    private static string Header(string[] lines, string name) =>
        lines.FirstOrDefault(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase)) ?? "no " + name;
}
