using System.Net.Sockets;

namespace UnixSocket;

/// <summary>Examines the file of a Unix socket.</summary>
internal static class SocketFile
{
    /// <summary>Tells whether an existing path is a socket.</summary>
    /// <param name="path">A path at which something is.</param>
    /// <returns>True for a socket; false for anything else, and for what this user may not open.</returns>
    /// <remarks>The kernel refuses to open a socket. For reading and writing, because opening a named pipe for one of
    /// them would wait for its other end.</remarks>
    public static bool IsSocket(string path)
    {
        try
        {
            using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            return false;
        }
        catch (UnauthorizedAccessException)
        {
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>Tells whether a socket refuses connections, because no process listens on it.</summary>
    /// <param name="path">The socket's path, or a link to it.</param>
    public static bool RefusesConnections(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Blocking = false; // a frozen instance's full queue would make a blocking connect wait
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return false;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode == SocketError.ConnectionRefused;
        }
    }
}
