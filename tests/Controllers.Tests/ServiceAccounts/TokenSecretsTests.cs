using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Controllers.Tests.ServiceAccounts;

public sealed class TokenSecretsTests
{
    static Secret Asking(string name, string account) => new()
    {
        Metadata = new() { Name = name, Namespace = "default", Annotations = Map.Of(("kubernetes.io/service-account.name", account)) }, Type = "kubernetes.io/service-account-token",
    };

    static TestCluster Start() => new(["serviceaccount-token"], options: new() { RootCa = "PEM", ServiceAccountToken = (account, secret) => $"signed:{account.Metadata.Name}/{account.Metadata.Uid}/{secret}" });

    [Fact]
    public async Task A_Secret_that_asks_for_a_token_gets_one_and_goes_with_its_account()
    {
        await using var cluster = Start();
        cluster.Api.Put(new ServiceAccount { Metadata = new() { Name = "robot", Namespace = "default" } });
        cluster.Api.Put(Asking("robot-token", "robot"));
        await cluster.UntilAsync(api => api.Find<Secret>("robot-token", "default")?.Data["token"].ToText().Length > 0);

        var made = cluster.Api.Find<Secret>("robot-token", "default")!;
        string uid = cluster.Api.Find<ServiceAccount>("robot", "default")!.Metadata.Uid;
        Assert.Equal(($"signed:robot/{uid}/robot-token", "default", "PEM", uid), (made.Data["token"].ToText(), made.Data["namespace"].ToText(), made.Data["ca.crt"].ToText(), made.Metadata.Annotations["kubernetes.io/service-account.uid"]));

        cluster.Api.Remove<ServiceAccount>("robot", "default");
        await cluster.UntilAsync(api => api.Find<Secret>("robot-token", "default") is null);
    }

    [Fact]
    public async Task A_Secret_for_an_account_that_never_was_is_removed()
    {
        await using var cluster = Start();
        cluster.Api.Put(Asking("stray", "nobody"));

        await cluster.UntilAsync(api => api.Find<Secret>("stray", "default") is null);
    }

    [Fact]
    public async Task An_account_does_not_name_a_Secret_that_is_gone()
    {
        await using var cluster = Start();
        cluster.Api.Put(new ServiceAccount { Metadata = new() { Name = "robot", Namespace = "default" }, Secrets = [new() { Name = "robot-token" }, new() { Name = "other" }] });
        cluster.Api.Put(Asking("robot-token", "robot"));
        await cluster.UntilAsync(api => api.Find<Secret>("robot-token", "default")?.Data["token"].ToText().Length > 0);
        cluster.Api.Remove<Secret>("robot-token", "default");
        await cluster.UntilAsync(api => api.Find<ServiceAccount>("robot", "default")!.Secrets is [{ Name: "other" }]);
    }
}
