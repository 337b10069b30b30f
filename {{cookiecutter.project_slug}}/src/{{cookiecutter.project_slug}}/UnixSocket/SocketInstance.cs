using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace {{ cookiecutter.__namespace }};

/// <summary>One instance's names in the socket's directory.</summary>
/// <param name="PublicPath">What the proxy connects to: a link to the instance that serves.</param>
/// <param name="OwnPath">What this instance binds.</param>
internal sealed record SocketInstance(string PublicPath, string OwnPath)
{
    // The suffix is random, since a process id says nothing: it is 1 in every container.
    private const int IdLength = 8;

    // Linux keeps 108 bytes for a socket's path, the terminating zero among them; macOS keeps 104.
    private static readonly int MaxPathBytes = OperatingSystem.IsMacOS() ? 103 : 107;

    private static readonly TimeSpan GatePatience = TimeSpan.FromSeconds(5);

    // In the container's private /tmp, so that a command finds the instance beside which it runs.
    private static string RecordPath =>
        Path.Combine(Path.GetTempPath(), AppDomain.CurrentDomain.FriendlyName + ".instance");

    /// <summary>What the public path leads to: an instance's name; null where there is no link.</summary>
    public string? Target => new FileInfo(PublicPath).LinkTarget;

    /// <summary>Whether the public path leads to this instance.</summary>
    public bool IsPublished => Target == Path.GetFileName(OwnPath);

    /// <summary>Whether the public path leads to no instance that lives.</summary>
    public bool IsPathFree => !IsPublished && (!File.Exists(TargetPath) || RefusesConnections(TargetPath));

    // Not the public path itself: of that, File.Exists says yes even where the link leads to nothing.
    private string TargetPath => Target is { } name ? Path.Combine(Folder, name) : PublicPath;

    private string Folder => Path.GetDirectoryName(PublicPath)!;

    private string LinkPath => OwnPath + ".new";

    /// <summary>Names a new instance.</summary>
    /// <param name="publicPath">The socket's absolute path, as the proxy knows it.</param>
    /// <exception cref="IOException">The instance's name is too long for a socket.</exception>
    public static SocketInstance Create(string publicPath)
    {
        var path = $"{publicPath}.{RandomNumberGenerator.GetHexString(IdLength, lowercase: true)}";
        var excess = Encoding.UTF8.GetByteCount(path) - MaxPathBytes;
        return excess <= 0
            ? new SocketInstance(publicPath, path)
            : throw new IOException(
                $"The socket path {publicPath} is {excess} bytes too long: with the instance's own suffix it must fit "
                + $"into {MaxPathBytes} bytes. Set a shorter Socket:Path.");
    }

    /// <summary>Says which instance has published itself in this container.</summary>
    /// <returns>That instance; null if none has.</returns>
    public static SocketInstance? ReadRecord()
    {
        if (!File.Exists(RecordPath))
        {
            return null;
        }

        var path = File.ReadAllText(RecordPath);
        return path.Length > IdLength + 1 ? new SocketInstance(path[..^(IdLength + 1)], path) : null;
    }

    /// <summary>Makes sure that nothing but a socket or a link of this app stands at the public path.</summary>
    /// <exception cref="IOException">It is neither. It stays as it is: it may be somebody's.</exception>
    public void EnsurePathIsFree()
    {
        var file = new FileInfo(PublicPath);
        var obstacle = file switch
        {
            { LinkTarget: { } target } => IsInstanceName(target) ? null : $"a link to {target}",
            { Attributes: var attributes } when file.Exists || Directory.Exists(PublicPath) =>
                attributes.HasFlag(FileAttributes.Directory) ? "a directory"
                : IsSocket(PublicPath) ? null
                : "a file, not a socket",
            _ => null,
        };
        if (obstacle is not null)
        {
            throw new IOException($"{PublicPath} is {obstacle}. Move it away, or set another Socket:Path.");
        }
    }

    /// <summary>Removes the names of instances that were killed: they refuse connections.</summary>
    /// <remarks>Call it inside the gate: an instance that has bound and does not listen yet refuses them too.</remarks>
    public void RemoveDeadInstances()
    {
        foreach (var path in Directory.EnumerateFiles(Folder, Path.GetFileName(PublicPath) + ".*"))
        {
            var isLink = path.EndsWith(".new", StringComparison.Ordinal)
                && IsInstanceName(path[..^".new".Length])
                && new FileInfo(path).LinkTarget is not null;
            if (isLink || (IsInstanceName(path) && RefusesConnections(path) && IsSocket(path)))
            {
                File.Delete(path);
            }
        }
    }

    /// <summary>Notes the instance's name for the commands, in a file of the container's own.</summary>
    public void WriteRecord()
    {
        var temporary = $"{RecordPath}.{OwnPath[^IdLength..]}";
        File.WriteAllText(temporary, OwnPath);
        File.Move(temporary, RecordPath, overwrite: true);
    }

    /// <summary>Forgets the note: commands find no instance any more.</summary>
    public void RemoveRecord()
    {
        if (ReadRecord() == this)
        {
            File.Delete(RecordPath);
        }
    }

    /// <summary>Makes the public path lead to this instance; there is no moment in which it leads nowhere.</summary>
    public void Publish()
    {
        File.Delete(LinkPath);
        File.CreateSymbolicLink(LinkPath, Path.GetFileName(OwnPath));
        File.Move(LinkPath, PublicPath, overwrite: true);
    }

    /// <summary>If the public path leads here, leaves it to an instance that is healthy, or takes it away.</summary>
    /// <remarks>Call it inside the gate.</remarks>
    public void Withdraw()
    {
        if (!IsPublished)
        {
            return;
        }

        var other = Directory.EnumerateFiles(Folder, Path.GetFileName(PublicPath) + ".*")
            .FirstOrDefault(path => path != OwnPath && IsInstanceName(path) && SocketHealth.Ask(path) is null);
        if (other is null)
        {
            File.Delete(PublicPath);
        }
        else
        {
            (this with { OwnPath = other }).Publish();
        }
    }

    /// <summary>Waits until no other instance is changing the names in the directory.</summary>
    /// <returns>The gate, to be disposed; null if another instance, frozen perhaps, held it for five seconds.</returns>
    /// <remarks>It is a lock on a file: the kernel releases it when its holder is killed.</remarks>
    public async Task<IDisposable?> EnterGateAsync()
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

        var deadline = Environment.TickCount64 + (long)GatePatience.TotalMilliseconds;
        while (true)
        {
            try
            {
                return new FileStream(PublicPath + ".lock", options);
            }
            catch (IOException e) when (e.HResult is 11 or 35 /* EWOULDBLOCK on Linux, on macOS */)
            {
                if (Environment.TickCount64 > deadline)
                {
                    return null;
                }
            }

            await Task.Delay(10).ConfigureAwait(false);
        }
    }

    // .NET does not tell a socket from a file, but the kernel opens only the latter. Read and write, because opening a
    // named pipe for one of them would wait for its other end.
    private static bool IsSocket(string path)
    {
        try
        {
            using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            return false;
        }
        catch (UnauthorizedAccessException)
        {
            return false; // somebody else's, whatever it is
        }
        catch (IOException)
        {
            return true;
        }
    }

    private static bool RefusesConnections(string path)
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

    private bool IsInstanceName(string path)
    {
        var name = Path.GetFileName(path);
        var prefix = Path.GetFileName(PublicPath) + ".";
        return name.Length == prefix.Length + IdLength
            && name.StartsWith(prefix, StringComparison.Ordinal)
            && name[prefix.Length..].All(char.IsAsciiHexDigitLower);
    }
}
