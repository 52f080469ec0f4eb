using Hanbae.Api;
using Hanbae.Api.Authentication.V1;
using Hanbae.Api.Core.V1;
using Hanbae.Api.Rest;
using Hanbae.Client;
using Hanbae.Host.Components;
using Hanbae.Host.Tests.Conformance.Rig;
using Hanbae.Kit;

namespace Hanbae.Host.Tests.Components;

/// <summary>A controller that asks as a service account of its own: accounts and tokens are made when they are needed, and again when they are gone.</summary>
[Collection(ControlPlaneRig.Name)]
public sealed class AccountTransportTests(ControlPlaneRig rig)
{
    [Fact]
    public async Task A_controller_is_its_account_with_tokens_that_follow_each_other()
    {
        var config = Kubeconfig.Load(Path.Combine(rig.Folder, "kubeconfig")).Resolve();
        var time = new FakeTime(DateTimeOffset.UtcNow);
        using HttpTransport admin = new(config, TimeProvider.System), bare = new(config.WithoutCredentials(), TimeProvider.System);
        var accounts = new ApiClient(admin, TimeProvider.System);
        using var own = new AccountTransport(bare, accounts, "made-when-needed", time);
        var client = new ApiClient(own, TimeProvider.System);
        string first = await WhoAsync(client);
        Assert.Equal(first, await WhoAsync(client));
        time.Advance(TimeSpan.FromMinutes(49));
        string second = await WhoAsync(client);
        Assert.NotEqual(first, second);
        // Gone with all its tokens: it is made again, without waiting for the end of any.
        var key = new Key("kube-system", "made-when-needed");
        await accounts.DeleteAsync<ServiceAccount>(key, new(), CancellationToken.None);
        Assert.NotEqual(second, await WhoAsync(client));
        var e = await Assert.ThrowsAsync<ApiException>(() => client.ListAsync<Secret>(new(), CancellationToken.None));
        Assert.Contains("User \"system:serviceaccount:kube-system:made-when-needed\" cannot list resource \"secrets\"", e.Message, StringComparison.Ordinal);
        await accounts.DeleteAsync<ServiceAccount>(key, new(), CancellationToken.None);
    }

    /// <returns>The token's id.</returns>
    static async Task<string> WhoAsync(ApiClient client)
    {
        var user = (await client.CreateAsync(new SelfSubjectReview(), CancellationToken.None)).Status.UserInfo;
        Assert.Equal("system:serviceaccount:kube-system:made-when-needed", user.Username);
        return user.Extra["authentication.kubernetes.io/credential-id"][0];
    }
}
