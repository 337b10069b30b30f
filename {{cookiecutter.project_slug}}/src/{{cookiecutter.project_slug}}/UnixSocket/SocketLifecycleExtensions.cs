using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace {{ cookiecutter.__namespace }};

/// <summary>Gives the Unix socket that Kestrel listens on a life that spans several instances of the app.</summary>
/// <remarks>
/// <para>Kestrel alone binds the path and deletes it when it stops: a file that a killed process left blocks the next
/// start, and an old instance that stops late deletes the socket of the new one. Here each instance binds a name of its
/// own beside the path, and the path is a symbolic link to the instance that serves:</para>
/// <list type="number">
/// <item>start: remove what killed instances left, bind and listen on <c>kestrel.sock.1a2b3c4d</c>, mode 0660;</item>
/// <item>when the host has started and this instance's own /healthz answers 200: rename a link to it over the path;
/// </item>
/// <item>from then on: take the path again whenever it leads to no instance that lives;</item>
/// <item>stop: leave the path to another instance that is healthy, or take it away; end each connection with its next
/// response; close the socket when no connection is open.</item>
/// </list>
/// <para>To use it in another app, copy this file, map /healthz so that it answers anybody, and let Program.cs run
/// <see cref="SocketCommands"/>. It serves one socket.</para>
/// </remarks>
public static class SocketLifecycleExtensions
{
    /// <summary>Applies the lifecycle to the socket that <c>ListenUnixSocket(path)</c> names.</summary>
    /// <param name="builder">The host. Its configuration section "Socket" holds the settings.</param>
    /// <returns><paramref name="builder"/>, for further calls.</returns>
    /// <remarks>On Windows, without modes and with a privilege for links, Kestrel's own behaviour stays.</remarks>
    public static IWebHostBuilder UseSocketLifecycle(this IWebHostBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.ConfigureServices((context, services) =>
        {
            services.Configure<SocketLifecycleOptions>(context.Configuration.GetSection("Socket"));
            services.AddSingleton<SocketDrain>();
            services.AddSingleton<IStartupFilter>(provider => provider.GetRequiredService<SocketDrain>());
            // Kestrel asks the factories from the last one registered to the first, and takes the first that can bind.
            services.AddSingleton<IConnectionListenerFactory, InstanceListenerFactory>();
        });
    }
}
