namespace {{ cookiecutter.__namespace }}.UnixSocket;

/// <summary>The note by which a command finds the instance that runs in the same container.</summary>
internal static class InstanceRecord
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    // In a container /tmp is its own. On a host it is everybody's, so Read trusts only what is its user's.
    private static string RecordPath =>
        Path.Combine(Path.GetTempPath(), AppDomain.CurrentDomain.FriendlyName + ".instance");

    /// <summary>Reads which instance has published itself in this container.</summary>
    /// <returns>That instance; null if none has.</returns>
    /// <exception cref="UnauthorizedAccessException">The record is another user's.</exception>
    public static InstanceNames? Read()
    {
        var file = new FileInfo(RecordPath);
        if (!file.Exists)
        {
            return null;
        }

        EnsureOwned(file);
        var path = File.ReadAllText(RecordPath);
        return path.Length > InstanceNames.IdLength + 1
            ? new InstanceNames(path[..^(InstanceNames.IdLength + 1)], path)
            : null;
    }

    /// <summary>Records an instance.</summary>
    public static void Write(InstanceNames instance)
    {
        var temporary = $"{RecordPath}.{instance.OwnPath[^InstanceNames.IdLength..]}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = OwnerOnly;
        }

        using (var writer = new StreamWriter(temporary, options))
        {
            writer.Write(instance.OwnPath);
        }

        File.Move(temporary, RecordPath, overwrite: true);
    }

    /// <summary>Removes the record of an instance, if it is this one's.</summary>
    public static void Remove(InstanceNames instance)
    {
        if (Read() == instance)
        {
            File.Delete(RecordPath);
        }
    }

    // Only a file's owner may change its mode.
    private static void EnsureOwned(FileInfo file)
    {
        if (file.LinkTarget is not null)
        {
            throw new UnauthorizedAccessException($"{RecordPath} is a link: remove it.");
        }

        if (!OperatingSystem.IsWindows())
        {
            try
            {
                file.UnixFileMode = OwnerOnly;
            }
            catch (UnauthorizedAccessException e)
            {
                throw new UnauthorizedAccessException($"{RecordPath} is another user's: remove it.", e);
            }
        }
    }
}
