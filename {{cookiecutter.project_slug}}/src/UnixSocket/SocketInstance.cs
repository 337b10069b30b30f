using System.Security.Cryptography;
using System.Text;

namespace UnixSocket;

/// <summary>An instance of the app, by its names in the socket's directory: publishes and withdraws it.</summary>
/// <remarks>Call what changes names under the <see cref="DirectoryLock"/>.</remarks>
/// <param name="PublicPath">What the proxy connects to: a link to the instance that serves.</param>
/// <param name="OwnPath">What this instance binds.</param>
internal sealed record SocketInstance(string PublicPath, string OwnPath)
{
    // The suffix is random, since a process id says nothing: it is 1 in every container.
    private const int IdLength = 8;

    // Linux keeps 108 bytes for a socket's path, the terminating zero among them; macOS keeps 104.
    private static readonly int MaxPathBytes = OperatingSystem.IsMacOS() ? 103 : 107;

    /// <summary>What the public path leads to: an instance's name; null where there is no link.</summary>
    public string? Target => new FileInfo(PublicPath).LinkTarget;

    /// <summary>Whether the public path leads to this instance.</summary>
    public bool IsPublished => Target == Path.GetFileName(OwnPath);

    /// <summary>Whether no live instance is where the public path leads.</summary>
    public bool LeadsNowhere => !IsPublished && (!File.Exists(TargetPath) || SocketFile.RefusesConnections(TargetPath));

    // Not the public path itself: of that, File.Exists says yes even where the link leads to nothing.
    private string TargetPath => Target is { } name ? Path.Combine(Folder, name) : PublicPath;

    private string Folder => Path.GetDirectoryName(PublicPath)!;

    private string LinkPath => OwnPath + ".new";

    /// <summary>Names a new instance.</summary>
    /// <param name="publicPath">The socket's absolute path, as the proxy knows it.</param>
    /// <returns>The instance, whose own path is the public path and a random suffix.</returns>
    /// <exception cref="SocketUnavailableException">The instance's name is too long for a socket.</exception>
    public static SocketInstance Create(string publicPath)
    {
        var path = $"{publicPath}.{RandomNumberGenerator.GetHexString(IdLength, lowercase: true)}";
        var excess = Encoding.UTF8.GetByteCount(path) - MaxPathBytes;
        return excess <= 0
            ? new SocketInstance(publicPath, path)
            : throw new SocketUnavailableException(
                $"The socket path {publicPath} is {excess} bytes too long: with the instance's own suffix it must fit "
                + $"into {MaxPathBytes} bytes. Set a shorter Socket:Path.");
    }

    /// <summary>Reads an instance's own path.</summary>
    /// <param name="ownPath">Text that may be such a path.</param>
    /// <returns>The instance; null if the text is not the path of one.</returns>
    public static SocketInstance? Parse(string ownPath)
    {
        var instance = new SocketInstance(Path.ChangeExtension(ownPath, null), ownPath);
        return Path.IsPathRooted(ownPath) && instance.IsInstance(ownPath) ? instance : null;
    }

    /// <summary>Refuses a public path at which there is something else than a socket or a link of this app.</summary>
    /// <exception cref="SocketUnavailableException">There is. It stays as it is: it may be somebody's.</exception>
    public void RefuseForeignFile()
    {
        var file = new FileInfo(PublicPath);
        var obstacle = file switch
        {
            { LinkTarget: { } target } => IsInstance(target) ? null : $"a link to {target}",
            { Attributes: var attributes } when file.Exists || Directory.Exists(PublicPath) =>
                attributes.HasFlag(FileAttributes.Directory) ? "a directory"
                : SocketFile.IsSocket(PublicPath) ? null
                : "a file, not a socket",
            _ => null,
        };
        if (obstacle is not null)
        {
            throw new SocketUnavailableException(
                $"{PublicPath} is {obstacle}. Move it away, or set another Socket:Path.");
        }
    }

    /// <summary>Removes the names of instances that were killed: they refuse connections.</summary>
    /// <remarks>Only under the lock: an instance that has bound and does not listen yet refuses them too.</remarks>
    public void RemoveDeadInstances()
    {
        foreach (var path in Directory.EnumerateFiles(Folder, Path.GetFileName(PublicPath) + ".*"))
        {
            var isLink = path.EndsWith(".new", StringComparison.Ordinal)
                && IsInstance(path[..^".new".Length])
                && new FileInfo(path).LinkTarget is not null;
            if (isLink || (IsInstance(path) && SocketFile.RefusesConnections(path) && SocketFile.IsSocket(path)))
            {
                File.Delete(path);
            }
        }
    }

    /// <summary>Lists the other instances beside the public path, dead ones included.</summary>
    /// <returns>Their own paths.</returns>
    public IReadOnlyList<string> FindOthers() =>
        [.. Directory.EnumerateFiles(Folder, Path.GetFileName(PublicPath) + ".*")
            .Where(path => path != OwnPath && IsInstance(path))];

    /// <summary>Makes the public path lead to this instance; there is no moment in which it leads nowhere.</summary>
    /// <exception cref="SocketUnavailableException">Something else is at the public path. It stays as it is.</exception>
    public void Publish()
    {
        RefuseForeignFile();
        File.Delete(LinkPath);
        File.CreateSymbolicLink(LinkPath, Path.GetFileName(OwnPath));
        File.Move(LinkPath, PublicPath, overwrite: true);
    }

    /// <summary>If the public path leads here, leaves it to another instance, or removes it.</summary>
    /// <param name="healthyOthers">Own paths of instances that were healthy a moment ago.</param>
    public void Withdraw(IEnumerable<string> healthyOthers)
    {
        if (!IsPublished)
        {
            return;
        }

        if (healthyOthers.FirstOrDefault(path => File.Exists(path) && !SocketFile.RefusesConnections(path)) is { } other)
        {
            (this with { OwnPath = other }).Publish();
        }
        else
        {
            File.Delete(PublicPath);
        }
    }

    private bool IsInstance(string path)
    {
        var name = Path.GetFileName(path);
        var prefix = Path.GetFileName(PublicPath) + ".";
        return name.Length == prefix.Length + IdLength
            && name.StartsWith(prefix, StringComparison.Ordinal)
            && name[prefix.Length..].All(char.IsAsciiHexDigitLower);
    }
}
