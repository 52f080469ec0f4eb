using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rbac.V1;
using Hanbae.Client;
using Hanbae.Server;
using Hanbae.Server.Auth;
using Hanbae.Server.Bootstrap;
using Hanbae.Server.Front;
using Hanbae.Store.Memory;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Hanbae.Bench.Auth;

/// <summary>What it costs a request that many ask at once and that some draw it out: the whole server from the request to its bytes, without sockets, with and without.</summary>
/// <remarks>
/// With and without take turns, slice by slice, so that a busy machine is as busy for either; the best slice of each counts. There is no server
/// without its guard against slow clients: that is measured by itself.
/// </remarks>
static class Guards
{
    const int Slice = 2000;

    public static async Task MeasureAsync(X509Certificate2 authority, X509Certificate2 certificate, double seconds)
    {
        await using var fair = await Guarded.StartAsync(authority, new());
        await using var plain = await Guarded.StartAsync(authority, null);
        using var clients = new SlowClients(TimeSpan.FromSeconds(90), TimeProvider.System);
        Console.WriteLine($"{Environment.ProcessorCount} processors, .NET {Environment.Version}");
        Console.WriteLine($"{"",-44} {"µs of processor",16} {"bytes",8}");
        var (with, without, guard, nothing) = (new Best(), new Best(), new Best(), new Best());
        var until = Stopwatch.StartNew();
        while (until.Elapsed.TotalSeconds < 4 * seconds)
        {
            await with.TryAsync(certificate, fair.Writer.RunAsync);
            await without.TryAsync(certificate, plain.Writer.RunAsync);
            await guard.TryAsync(certificate, http =>
            {
                clients.Enter(new(http, 1));
                return Task.CompletedTask;
            });
            await nothing.TryAsync(certificate, http => new HttpRequestContext(http, 1).Path.Length > 0 ? Task.CompletedTask : throw new UnreachableException());
        }
        with.Print("get a ConfigMap");
        without.Print("- without flow control");
        (guard - nothing).Print("- the guard against slow clients in it");
        Console.WriteLine($"flow control {with.Microseconds / without.Microseconds:0.00}, the guard {with.Microseconds / (with.Microseconds - guard.Microseconds + nothing.Microseconds):0.000} times the cost without it");
    }

    sealed class Best
    {
        public double Microseconds { get; private set; } = double.MaxValue;
        public long Bytes { get; private set; }

        public async Task TryAsync(X509Certificate2 certificate, Func<HttpContext, Task> answer)
        {
            var requests = new DefaultHttpContext[Slice];
            for (int i = 0; i < Slice; i++) requests[i] = Answered.Request(certificate);
            long allocated = GC.GetTotalAllocatedBytes(true);
            var before = Environment.CpuUsage.TotalTime;
            foreach (var http in requests)
            {
                await answer(http);
                await ((Answered)http.Features.Get<IHttpResponseFeature>()!).CompleteAsync();
            }
            double spent = (Environment.CpuUsage.TotalTime - before).TotalMicroseconds / Slice;
            if (requests[^1].Response.StatusCode != 200) throw new InvalidOperationException("the answer is " + requests[^1].Response.StatusCode);
            if (spent < Microseconds) (Microseconds, Bytes) = (spent, (GC.GetTotalAllocatedBytes(true) - allocated) / Slice);
        }

        public static Best operator -(Best a, Best b) => new() { Microseconds = a.Microseconds - b.Microseconds, Bytes = a.Bytes - b.Bytes };

        public void Print(string name) => Console.WriteLine($"{name,-44} {Microseconds,16:0.00} {Bytes,8}");
    }

    /// <summary>A server as a cluster has it, with upstream's FlowSchemas, whose last but one is about this user.</summary>
    sealed class Guarded(ApiServer server, Security security, MemoryStore store, SlowClients clients) : IAsyncDisposable
    {
        public ReplyWriter Writer { get; } = new(server.Handler, server.Options, server.Stopping, clients);

        public static async Task<Guarded> StartAsync(X509Certificate2 authority, Hanbae.Server.FlowControl.FlowControlOptions? limits)
        {
            var security = new Security(new() { ClientAuthorities = [authority] });
            var store = new MemoryStore(new());
            var server = new ApiServer(store, security.AddTo(new() { FlowControl = limits }));
            security.Objects.Attach(server.Resources.Stored);
            await ClusterBootstrap.EnsureAsync(new IdentityTransport(server.Transport, new("system:apiserver", [Groups.Masters]), "bench"), new(), CancellationToken.None);
            await Program.MakeAsync(server, new ConfigMap { Metadata = new() { Name = "c", Namespace = "default" }, Data = Map.Of(("k", "v")) });
            await Program.MakeAsync(server, new ClusterRoleBinding
            {
                Metadata = new() { Name = "ann" }, RoleRef = new() { ApiGroup = "rbac.authorization.k8s.io", Kind = "ClusterRole", Name = "view" },
                Subjects = [new() { Kind = "User", ApiGroup = "rbac.authorization.k8s.io", Name = "ann" }],
            });
            return new(server, security, store, new(TimeSpan.FromSeconds(90), TimeProvider.System));
        }

        public async ValueTask DisposeAsync()
        {
            clients.Dispose();
            await server.DisposeAsync();
            security.Dispose();
            await store.DisposeAsync();
        }
    }

    /// <summary>Takes an answer and forgets it; does what is to be done when it is taken.</summary>
    sealed class Answered : HttpResponseFeature
    {
        Func<object, Task>? _completed;
        object? _state;

        public override void OnCompleted(Func<object, Task> callback, object state) => (_completed, _state) = (callback, state);

        public Task CompleteAsync() => _completed?.Invoke(_state!) ?? Task.CompletedTask;

        public static DefaultHttpContext Request(X509Certificate2 certificate)
        {
            var features = new FeatureCollection();
            features.Set<IHttpRequestFeature>(new HttpRequestFeature
            {
                Method = "GET", Path = "/api/v1/namespaces/default/configmaps/c", RawTarget = "/api/v1/namespaces/default/configmaps/c", Protocol = "HTTP/2", Scheme = "https",
                Headers = new HeaderDictionary { ["Accept"] = "application/json", ["User-Agent"] = "bench", ["Accept-Encoding"] = "gzip" },
            });
            features.Set<IHttpResponseFeature>(new Answered());
            features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(Stream.Null));
            features.Set<ITlsConnectionFeature>(new TlsConnectionFeature { ClientCertificate = certificate });
            return new(features);
        }
    }
}
