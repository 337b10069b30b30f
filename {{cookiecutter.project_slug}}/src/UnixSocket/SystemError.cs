namespace UnixSocket;

/// <summary>Errors of the system (errno) for which .NET has no exception type; <c>IOException.HResult</c> holds them.</summary>
internal static class SystemError
{
    /// <summary>ENOSPC: no space is left on the device.</summary>
    public const int NoSpace = 28;

    /// <summary>EROFS: the file system is read-only.</summary>
    public const int ReadOnlyFileSystem = 30;

    /// <summary>EWOULDBLOCK on Linux: another process holds the lock.</summary>
    public const int WouldBlockOnLinux = 11;

    /// <summary>EWOULDBLOCK on macOS.</summary>
    public const int WouldBlockOnMacOS = 35;
}
