// YARP, set up as its documentation describes: SocketsHttpHandler's ConnectCallback leads each connection to the socket.
using System.Net.Sockets;

var builder = WebApplication.CreateSlimBuilder(args);
builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
var app = new UnixDomainSocketEndPoint(builder.Configuration["App"]!);
builder.Services.AddReverseProxy()
    .LoadFromConfig(builder.Configuration.GetSection("ReverseProxy"))
    .ConfigureHttpClient((_, handler) =>
    {
        handler.ActivityHeadersPropagator = null; // no tracing: the app makes an id of its own
        handler.PooledConnectionIdleTimeout = TimeSpan.FromSeconds(2); // less than Socket:DrainTimeout
        handler.ConnectCallback = async (_, cancellation) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(app, cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        };
    });

var proxy = builder.Build();
proxy.MapReverseProxy();
proxy.Run();
