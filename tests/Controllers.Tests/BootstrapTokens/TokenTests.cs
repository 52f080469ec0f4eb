using System.Security.Cryptography;
using System.Text;
using Hanbae.Api;
using Hanbae.Api.Core.V1;
using Hanbae.Controllers.BootstrapTokens;

namespace Hanbae.Controllers.Tests.BootstrapTokens;

public sealed class TokenTests
{
    static Secret Token(string id, string expiration = "", string signs = "true", string secret = "0123456789abcdef") => new()
    {
        Metadata = new() { Name = "bootstrap-token-" + id, Namespace = "kube-system" }, Type = "bootstrap.kubernetes.io/token",
        Data = Map.Of(("token-id", Bytes.FromText(id)), ("token-secret", Bytes.FromText(secret)), ("usage-bootstrap-signing", Bytes.FromText(signs)), ("expiration", Bytes.FromText(expiration))),
    };

    [Fact]
    public async Task Tokens_go_when_their_time_is_over()
    {
        await using var cluster = new TestCluster(["token-cleaner-controller"]) { Creep = TestCluster.Hardly };
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
        cluster.Api.Put(Token("dddddd", secret: "s"));
        cluster.Api.Put(Token("eeeeee", secret: ""));
        cluster.Api.Put(Token("ffffff", "2099-01-01 00:00:00"));
        cluster.Api.Put(new ConfigMap { Metadata = new() { Name = "cluster-info", Namespace = "kube-public" }, Data = Map.Of(("kubeconfig", "apiVersion: v1\n"), ("jws-kubeconfig-zzzzzz", "of a token that is gone")) });
        await cluster.UntilAsync(api => api.Find<ConfigMap>("cluster-info", "kube-public")!.Data is var d && d.ContainsKey("jws-kubeconfig-aaaaaa") && d.ContainsKey("jws-kubeconfig-dddddd") && !d.ContainsKey("jws-kubeconfig-zzzzzz"));

        var data = cluster.Api.Find<ConfigMap>("cluster-info", "kube-public")!.Data;
        Assert.Equal(["jws-kubeconfig-aaaaaa", "jws-kubeconfig-dddddd", "kubeconfig"], data.Select(e => e.Key).Order());
        string[] parts = data["jws-kubeconfig-aaaaaa"]!.Split('.');
        Assert.Equal(["{\"alg\":\"HS256\",\"kid\":\"aaaaaa\"}", ""], [Encoding.UTF8.GetString(Convert.FromBase64String(Padded(parts[0]))), parts[1]]);
        byte[] expected = HMACSHA256.HashData("0123456789abcdef"u8, Encoding.ASCII.GetBytes($"{parts[0]}.{Convert.ToBase64String("apiVersion: v1\n"u8)}"));
        Assert.Equal(expected, Convert.FromBase64String(Padded(parts[2])));
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("2030-01-02T03:04:05Z", 0)]
    [InlineData("2030-01-02T05:04:05+02:00", 0)]
    [InlineData("2030-01-02T03:04:05.000Z", 0)]
    [InlineData("2030-01-02T03:04:05.000", -1)]
    [InlineData("2030-01-02 03:04:05Z", -1)]
    [InlineData("2030-01-02T03:04:05", -1)]
    [InlineData("2030-01-02", -1)]
    [InlineData("2030-01-02T03:04:05z", -1)]
    public void A_time_that_is_not_written_as_the_API_writes_times_is_over(string written, int? end)
    {
        DateTimeOffset? expected = end is null ? null : end < 0 ? DateTimeOffset.MinValue : new(2030, 1, 2, 3, 4, 5, TimeSpan.Zero);
        Assert.Equal(expected, BootstrapToken.EndOf(Token("aaaaaa", written)));
    }

    static string Padded(string base64Url) => base64Url.Replace('-', '+').Replace('_', '/').PadRight((base64Url.Length + 3) / 4 * 4, '=');
}
