namespace UnixSocket;

/// <summary>Lets one instance at a time change names in the socket's directory.</summary>
internal static class DirectoryLock
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(10);

    /// <summary>Waits until no other instance is changing the names beside a public path.</summary>
    /// <param name="publicPath">The socket's path, as the proxy knows it; the lock is on a file beside it.</param>
    /// <returns>The lock, to be disposed; null if another instance, frozen perhaps, held it for five seconds.</returns>
    /// <exception cref="IOException">The lock's file cannot be created or opened.</exception>
    /// <exception cref="UnauthorizedAccessException">This user may not create or open it.</exception>
    /// <remarks>The kernel releases it when its holder is killed.</remarks>
    public static async Task<IDisposable?> AcquireAsync(string publicPath)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite; // others cannot hold it
        }

        var deadline = Environment.TickCount64 + (long)Timeout.TotalMilliseconds;
        while (true)
        {
            try
            {
                return new FileStream(publicPath + ".lock", options);
            }
            catch (IOException e) when (e.HResult is SystemError.WouldBlockOnLinux or SystemError.WouldBlockOnMacOS)
            {
                if (Environment.TickCount64 > deadline)
                {
                    return null;
                }
            }

            await Task.Delay(PollInterval).ConfigureAwait(false);
        }
    }
}
