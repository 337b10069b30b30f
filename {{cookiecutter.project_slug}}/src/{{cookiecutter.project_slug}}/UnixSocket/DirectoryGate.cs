namespace {{ cookiecutter.__namespace }}.UnixSocket;

/// <summary>Orders the instances that change names in the socket's directory, one after another.</summary>
internal static class DirectoryGate
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(10);

    /// <summary>Waits until no other instance is changing the names beside a public path.</summary>
    /// <returns>The gate, to be disposed; null if another instance, frozen perhaps, held it for five seconds.</returns>
    /// <remarks>It is a lock on a file: the kernel releases it when its holder is killed.</remarks>
    public static async Task<IDisposable?> EnterAsync(string publicPath)
    {
        var options = new FileStreamOptions
        {
            Mode = FileMode.OpenOrCreate,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
        };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite; // whoever can open it can hold it
        }

        var deadline = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
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
