using System.Net;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Discovery.V1;
using Hanbae.Api.Rest;
using Hanbae.Server.Bootstrap;
using Hanbae.Server.Tests.Auth;
using static Hanbae.Server.Tests.Auth.SecureServer;

namespace Hanbae.Server.Tests.Bootstrap;

/// <summary>What every cluster has comes back while the server runs.</summary>
public sealed class StandingObjectsTests : IAsyncLifetime
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    readonly CancellationTokenSource _stop = new(s_patience);
    BootstrapOptions _options = new()
    {
        Advertise = new(IPAddress.Parse("10.1.2.3"), 6443), ServiceAddress = IPAddress.Parse("10.96.0.1"), ClientAuthority = "PEM", FrontProxyAuthority = "FRONT", ServingAuthority = "CA",
    };
    SecureServer _server = null!;
    Task _keeping = Task.CompletedTask;

    public async Task InitializeAsync()
    {
        _server = await StartAsync();
        await ClusterBootstrap.EnsureAsync(_server.Api.Transport, _options, CancellationToken.None);
        _keeping = StandingObjects.KeepAsync(_server.Api.Transport, () => _options, _stop.Token);
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _keeping.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _server.DisposeAsync();
        _stop.Dispose();
    }

    async Task<T> UntilAsync<T>(string ns, string name, Func<T, bool> isSo) where T : class, IObject<T>
    {
        var request = new ApiRequest { Method = "GET", Path = Resources.Of<T>().Path(ns), Query = [new("watch", "1"), new("fieldSelector", "metadata.name=" + name)], Identity = Admin };
        await foreach (var e in _server.Api.Transport.WatchAsync(request, _stop.Token))
            if (e.Type != "DELETED" && e.Object is T obj && isSo(obj)) return obj;
        throw new InvalidOperationException($"the watch of {name} ended");
    }

    async Task ComesBackAsync<T>(string ns, string name) where T : class, IObject<T>
    {
        var old = await UntilAsync<T>(ns, name, _ => true);
        Good(await _server.DeleteAsync<T>(Admin, ns, name));
        await UntilAsync<T>(ns, name, o => o.Metadata.Uid != old.Metadata.Uid);
    }

    [Fact]
    public async Task What_somebody_deletes_is_made_again()
    {
        await ComesBackAsync<Service>("default", "kubernetes");
        await ComesBackAsync<Endpoints>("default", "kubernetes");
        await ComesBackAsync<EndpointSlice>("default", "kubernetes");
        await ComesBackAsync<ConfigMap>("kube-system", "extension-apiserver-authentication");
        await ComesBackAsync<ConfigMap>("kube-public", "cluster-info");
    }

    [Fact]
    public async Task What_somebody_changes_is_put_right_and_what_was_added_stays()
    {
        var slice = await UntilAsync<EndpointSlice>("default", "kubernetes", _ => true);
        Good(await _server.CallAsync(Admin, "PUT", Resources.Of<EndpointSlice>().Path("default", "kubernetes"), slice with { Endpoints = [new() { Addresses = ["10.9.9.9"] }] }));
        var map = await UntilAsync<ConfigMap>("kube-system", "extension-apiserver-authentication", _ => true);
        Good(await _server.CallAsync(Admin, "PUT", Resources.Of<ConfigMap>().Path("kube-system", "extension-apiserver-authentication"), map with { Data = Map.Of(("client-ca-file", "other"), ("mine", "too")) }));

        await UntilAsync<EndpointSlice>("default", "kubernetes", s => s.Endpoints[0].Addresses[0] == "10.1.2.3");
        var right = await UntilAsync<ConfigMap>("kube-system", "extension-apiserver-authentication", m => m.Data["client-ca-file"] == "PEM");
        Assert.Equal("FRONT", right.Data["requestheader-client-ca-file"]);
        Assert.Equal("too", right.Data["mine"]);
    }

    [Fact]
    public async Task Machines_that_want_to_join_are_told_the_authority_of_today_and_signatures_stay()
    {
        var info = await UntilAsync<ConfigMap>("kube-public", "cluster-info", _ => true);
        Assert.Contains("server: https://10.1.2.3:6443\n", info.Data["kubeconfig"], StringComparison.Ordinal);
        Assert.Contains("certificate-authority-data: " + Convert.ToBase64String("CA"u8), info.Data["kubeconfig"], StringComparison.Ordinal);

        _options = _options with { ServingAuthority = "CA2" };
        // Of no version: a look between may have gone by the new authority already.
        var signed = info with { Metadata = info.Metadata with { ResourceVersion = "" }, Data = info.Data.With(Map.Of(("jws-kubeconfig-abcdef", "signed"))) };
        Good(await _server.CallAsync(Admin, "PUT", Resources.Of<ConfigMap>().Path("kube-public", "cluster-info"), signed));

        string today = Convert.ToBase64String(Encoding.UTF8.GetBytes("CA2"));
        var now = await UntilAsync<ConfigMap>("kube-public", "cluster-info", m => m.Data["kubeconfig"]!.Contains(today, StringComparison.Ordinal));
        Assert.Equal("signed", now.Data["jws-kubeconfig-abcdef"]);
    }

    [Fact]
    public async Task What_an_administrator_tells_machines_that_want_to_join_stays()
    {
        var map = Resources.Of<ConfigMap>();
        // The first look puts everything right: it is over when what it makes is there again.
        await ComesBackAsync<ConfigMap>("kube-system", "extension-apiserver-authentication");
        await ComesBackAsync<ConfigMap>("kube-system", "extension-apiserver-authentication");
        var info = await UntilAsync<ConfigMap>("kube-public", "cluster-info", _ => true);
        Good(await _server.CallAsync(Admin, "PUT", map.Path("kube-public", "cluster-info"), info with { Data = Map.Of(("kubeconfig", "mine")) }));

        // Two more looks have gone by.
        await ComesBackAsync<ConfigMap>("kube-system", "extension-apiserver-authentication");
        await ComesBackAsync<ConfigMap>("kube-system", "extension-apiserver-authentication");
        Assert.Equal("mine", (await UntilAsync<ConfigMap>("kube-public", "cluster-info", _ => true)).Data["kubeconfig"]);
    }
}
