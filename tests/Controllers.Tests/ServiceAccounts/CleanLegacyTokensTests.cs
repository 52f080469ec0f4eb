using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Controllers.Tests.ServiceAccounts;

/// <summary>Tokens in Secrets that were made of themselves and that nobody uses: marked, and gone a year later.</summary>
public sealed class CleanLegacyTokensTests
{
    const string Since = "kubernetes.io/legacy-token-invalid-since", Used = "kubernetes.io/legacy-token-last-used";
    static readonly TimeSpan Year = TimeSpan.FromDays(365);

    static Secret Token(string name, string lastUsed = "") => new()
    {
        Metadata = new()
        {
            Name = name, Namespace = "default", Annotations = Map.Of(("kubernetes.io/service-account.name", "robot")),
            Labels = lastUsed.Length == 0 ? default : Map.Of((Used, lastUsed)),
        },
        Type = "kubernetes.io/service-account-token",
    };

    [Fact]
    public async Task An_unused_token_is_marked_and_goes_a_year_later_and_others_stay()
    {
        await using var cluster = new TestCluster(["legacy-serviceaccount-token-cleaner-controller"], api =>
        {
            api.Put(new ConfigMap { Metadata = new() { Name = "kube-apiserver-legacy-service-account-token-tracking", Namespace = "kube-system" }, Data = Map.Of(("since", "2020-01-01")) });
            api.Put(new ServiceAccount { Metadata = new() { Name = "robot", Namespace = "default" }, Secrets = [.. ((string[])["old", "mounted", "recent", "garbled"]).Select(n => new ObjectReference { Name = n })] });
            foreach (string name in (string[])["old", "mounted", "byhand"]) api.Put(Token(name));
            api.Put(Token("recent", "9999-12-31"));
            api.Put(Token("garbled", "yesterday"));
            var pod = Make.Pod("p");
            api.Put(pod with { Spec = pod.Spec with { Volumes = [new() { Name = "v", Secret = new() { SecretName = "mounted" } }] } });
        }) { Creep = TimeSpan.FromHours(1) };
        // Made a moment ago: none is old enough for anything.
        cluster.Time.Advance(Year + TimeSpan.FromDays(2));
        await cluster.UntilAsync(api => api.Find<Secret>("old")?.Metadata.Labels[Since] is not null);
        Assert.Equal(5, cluster.Api.All<Secret>().Count);

        // By then another whose mark is new is found as well: the round is over.
        cluster.Time.Advance(Year - TimeSpan.FromDays(10));
        cluster.Api.Remove<Pod>("p");
        cluster.Time.Advance(TimeSpan.FromDays(2));
        await cluster.UntilAsync(api => api.Find<Secret>("mounted")?.Metadata.Labels[Since] is not null);
        Assert.NotNull(cluster.Api.Find<Secret>("old"));

        cluster.Time.Advance(TimeSpan.FromDays(10));
        await cluster.UntilAsync(api => api.Find<Secret>("old") is null);
        Assert.Equal(["byhand", "garbled", "mounted", "recent"], cluster.Api.All<Secret>().Select(s => s.Metadata.Name));
        Assert.All(cluster.Api.All<Secret>().Where(s => s.Metadata.Name != "mounted"), s => Assert.Null(s.Metadata.Labels[Since]));
    }

    [Fact]
    public async Task Nothing_is_marked_before_uses_were_noted_for_a_year()
    {
        await using var cluster = new TestCluster(["legacy-serviceaccount-token-cleaner-controller"], api =>
        {
            api.Put(new ServiceAccount { Metadata = new() { Name = "robot", Namespace = "default" }, Secrets = [new ObjectReference { Name = "old" }] });
            api.Put(Token("old"));
        }) { Creep = TimeSpan.FromHours(1) };
        cluster.Time.Advance(Year * 3);
        string today = cluster.Time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
        cluster.Api.Put(new ConfigMap { Metadata = new() { Name = "kube-apiserver-legacy-service-account-token-tracking", Namespace = "kube-system" }, Data = Map.Of(("since", today)) });
        int asked() => cluster.Api.Requests.Count(r => r.Path.EndsWith("token-tracking", StringComparison.Ordinal));
        int before = asked();
        cluster.Time.Advance(TimeSpan.FromDays(30));
        await cluster.UntilAsync(_ => asked() > before);
        Assert.Null(cluster.Api.Find<Secret>("old")!.Metadata.Labels[Since]);
        cluster.Time.Advance(Year);
        await cluster.UntilAsync(api => api.Find<Secret>("old")!.Metadata.Labels[Since] is not null);
    }
}
