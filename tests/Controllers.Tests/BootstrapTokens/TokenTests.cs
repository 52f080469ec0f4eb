using System.Security.Cryptography;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;

namespace Hanbae.Controllers.Tests.BootstrapTokens;

public sealed class TokenTests
{
    static Secret Token(string id, string expiration = "", string signs = "true") => new()
    {
        Metadata = new() { Name = "bootstrap-token-" + id, Namespace = "kube-system" }, Type = "bootstrap.kubernetes.io/token",
        Data = Map.Of(("token-id", Bytes.FromText(id)), ("token-secret", Bytes.FromText("0123456789abcdef")), ("usage-bootstrap-signing", Bytes.FromText(signs)), ("expiration", Bytes.FromText(expiration))),
    };

    [Fact]
    public async Task Tokens_go_when_their_time_is_over()
    {
        await using var cluster = new TestCluster(["token-cleaner-controller"]) { Creep = TimeSpan.Zero };
        var now = cluster.Time.GetUtcNow();
        cluster.Api.Put(Token("aaaaaa", now.AddSeconds(30).ToString("yyyy-MM-ddTHH:mm:ssZ")));
        cluster.Api.Put(Token("bbbbbb"));
        cluster.Api.Put(Token("cccccc", "tomorrow"));
        cluster.Api.Put(Token("dddddd", now.AddSeconds(3).ToString("yyyy-MM-ddTHH:mm:ssZ")) with { Type = "Opaque" });
        cluster.Creep = TimeSpan.FromSeconds(1);
        await cluster.UntilAsync(api => api.Find<Secret>("bootstrap-token-aaaaaa", "kube-system") is null);
        Assert.True(cluster.Time.GetUtcNow() >= now.AddSeconds(30));
        Assert.Equal(["bootstrap-token-bbbbbb", "bootstrap-token-dddddd"], cluster.Api.All<Secret>().Select(s => s.Metadata.Name).Order());
    }

    [Fact]
    public async Task Cluster_info_is_signed_by_every_token_that_signs()
    {
        await using var cluster = new TestCluster(["bootstrap-signer-controller"]);
        cluster.Api.Put(Token("aaaaaa"));
        cluster.Api.Put(Token("bbbbbb", signs: "false"));
        cluster.Api.Put(Token("cccccc", cluster.Time.GetUtcNow().AddHours(-1).ToString("yyyy-MM-ddTHH:mm:ssZ")));
        cluster.Api.Put(new ConfigMap { Metadata = new() { Name = "cluster-info", Namespace = "kube-public" }, Data = Map.Of(("kubeconfig", "apiVersion: v1\n"), ("jws-kubeconfig-zzzzzz", "of a token that is gone")) });
        await cluster.UntilAsync(api => api.Find<ConfigMap>("cluster-info", "kube-public")!.Data.ContainsKey("jws-kubeconfig-aaaaaa"));

        var data = cluster.Api.Find<ConfigMap>("cluster-info", "kube-public")!.Data;
        Assert.Equal(["jws-kubeconfig-aaaaaa", "kubeconfig"], data.Select(e => e.Key).Order());
        string[] parts = data["jws-kubeconfig-aaaaaa"]!.Split('.');
        Assert.Equal(["{\"alg\":\"HS256\",\"kid\":\"aaaaaa\"}", ""], [Encoding.UTF8.GetString(Convert.FromBase64String(Padded(parts[0]))), parts[1]]);
        byte[] expected = HMACSHA256.HashData("0123456789abcdef"u8, Encoding.ASCII.GetBytes($"{parts[0]}.{Convert.ToBase64String("apiVersion: v1\n"u8)}"));
        Assert.Equal(expected, Convert.FromBase64String(Padded(parts[2])));
    }

    static string Padded(string base64Url) => base64Url.Replace('-', '+').Replace('_', '/').PadRight((base64Url.Length + 3) / 4 * 4, '=');
}
