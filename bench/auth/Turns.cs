using System.Diagnostics;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Server;
using Hanbae.Server.Auth;
using Hanbae.Server.Bootstrap;
using Hanbae.Store.Memory;

namespace Hanbae.Bench.Auth;

/// <summary>What flow control costs a request that need not wait: the same get of a small object through the whole chain, with it and without.</summary>
static class Turns
{
    /// <returns>Microseconds of processor for each get, the best slice of many.</returns>
    public static async Task<double> MeasureAsync(bool flowControl, double seconds)
    {
        await using var store = new MemoryStore(new());
        await using var server = new ApiServer(store, new ServerOptions { Authorizers = [new AlwaysAllow()], FlowControl = flowControl ? new() : null });
        await ClusterBootstrap.EnsureAsync(server.Transport, new(), CancellationToken.None);
        var user = new Identity("ann", ["system:authenticated"]);
        var made = await server.Transport.SendAsync(new()
        {
            Method = "POST", Path = "/api/v1/namespaces/default/configmaps", Identity = user, Object = new ConfigMap { Metadata = new() { Name = "c", Namespace = "default" } },
        }, CancellationToken.None);
        if (made.Code != 201) throw new InvalidOperationException($"{made.Code}");
        var get = new ApiRequest { Method = "GET", Path = "/api/v1/namespaces/default/configmaps/c", Identity = user };
        double best = double.MaxValue;
        for (var until = Stopwatch.StartNew(); until.Elapsed.TotalSeconds < seconds;)
        {
            const int Slice = 5000;
            var before = Environment.CpuUsage.TotalTime;
            for (int i = 0; i < Slice; i++)
                if ((await server.Transport.SendAsync(get, CancellationToken.None)).Code != 200) throw new InvalidOperationException("the answer is wrong");
            best = Math.Min(best, (Environment.CpuUsage.TotalTime - before).TotalMicroseconds / Slice);
        }
        return best;
    }
}
