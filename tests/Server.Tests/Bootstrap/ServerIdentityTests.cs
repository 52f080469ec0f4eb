using Hanbae.Api;
using Hanbae.Api.Coordination.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Bootstrap;
using Hanbae.Server.Tests.Auth;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Bootstrap;

/// <summary>The Lease by which an API server is seen.</summary>
public sealed class ServerIdentityTests
{
    [Fact]
    public async Task A_server_holds_a_lease_of_a_name_that_stays()
    {
        await using var server = await StartAsync();
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        string name = ServerIdentity.NameOf("one");
        Assert.Equal(name, ServerIdentity.NameOf("one"));
        Assert.Matches("^apiserver-[a-z2-7]{26}$", name);

        var keeping = ServerIdentity.KeepAsync(server.Api.Transport, "one", server.Clock, stop.Token);
        Lease? lease = null;
        var request = new ApiRequest { Method = "GET", Path = Resources.Of<Lease>().Path("kube-system"), Query = [new("watch", "1")], Identity = Admin };
        await foreach (var e in server.Api.Transport.WatchAsync(request, stop.Token))
            if ((lease = e.Object as Lease) is not null) break;
        await stop.CancelAsync();
        await keeping.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);

        Assert.Equal(name, lease!.Metadata.Name);
        Assert.Equal("kube-apiserver", lease.Metadata.Labels["apiserver.kubernetes.io/identity"]);
        Assert.Equal("one", lease.Metadata.Labels["kubernetes.io/hostname"]);
        Assert.StartsWith(name + "_", lease.Spec.HolderIdentity, StringComparison.Ordinal);
        Assert.Equal(3600, lease.Spec.LeaseDurationSeconds);
        Assert.Equal(server.Clock.Now.ToUnixTimeMilliseconds(), lease.Spec.RenewTime!.Value.ToUnixTimeMilliseconds());
    }
}
