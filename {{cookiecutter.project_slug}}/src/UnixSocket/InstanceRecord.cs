namespace UnixSocket;

/// <summary>The record by which a command finds the instance that runs beside it.</summary>
/// <remarks>It is a file in the temporary directory, which in a container is the container's own.</remarks>
internal static class InstanceRecord
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // One name for the app and for UnixSocket.dll, which reads what the app has recorded.
    private static string RecordPath => Path.Combine(Path.GetTempPath(), "UnixSocket.instance");

    /// <summary>Reads which instance has published itself in this container.</summary>
    /// <returns>That instance; null if none has.</returns>
    /// <exception cref="IOException">The record belongs to another user, or does not name an instance.</exception>
    public static SocketInstance? Read()
    {
        using var file = OpenOwn();
        if (file is null)
        {
            return null;
        }

        using var reader = new StreamReader(file);
        return SocketInstance.Parse(reader.ReadToEnd())
            ?? throw new IOException($"{RecordPath} does not name an instance. Delete it, and restart the app.");
    }

    /// <summary>Records an instance. Call it under the <see cref="DirectoryLock"/>.</summary>
    /// <param name="instance">An instance that has published itself, or is about to.</param>
    /// <exception cref="IOException">The record cannot be written.</exception>
    public static void Write(SocketInstance instance)
    {
        OpenOwn()?.Dispose();
        var temporary = RecordPath + Path.GetExtension(instance.OwnPath);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        try
        {
            using (var writer = new StreamWriter(temporary, options))
            {
                writer.Write(instance.OwnPath);
            }

            File.Move(temporary, RecordPath, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"Cannot write {RecordPath}: {e.Message} Set TMPDIR to a writable directory.", e);
        }
    }

    /// <summary>Removes the record of an instance, unless another instance has replaced it.</summary>
    /// <param name="instance">The instance that stops.</param>
    /// <exception cref="IOException">The record belongs to another user, or does not name an instance.</exception>
    public static void Remove(SocketInstance instance)
    {
        if (Read() == instance)
        {
            File.Delete(RecordPath);
        }
    }

    // In a directory that several users share, another user's record could name any path.
    private static FileStream? OpenOwn()
    {
        FileStream? file = null;
        try
        {
            file = new FileStream(RecordPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(file.SafeFileHandle, OwnerOnly); // allowed to the owner alone, and to root
            }

            return file;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (UnauthorizedAccessException e)
        {
            file?.Dispose();
            throw new IOException(
                $"{RecordPath} belongs to another user. Set TMPDIR to a directory of this user, for the app and for its "
                + "commands.", e);
        }
    }
}
