using Hanbae.Api;
using Hanbae.Cri.Fake;
using Hanbae.Cri.V1;
using Hanbae.Kit;
using Hanbae.Kubelet.Images;

namespace Hanbae.Kubelet.Tests.Images;

/// <summary>An image that was pulled with a login is only for Pods that have it (KEP-2535).</summary>
public sealed class PullRecordsTests : IDisposable
{
    readonly string _folder = Path.Combine(Path.GetTempPath(), "hanbae-pulls-" + Guid.NewGuid().ToString("N")[..8]);

    public void Dispose()
    {
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    PullRecords Records(string policy = "NeverVerifyPreloadedImages", params string[] allowlist) =>
        new(new() { NodeName = "n", Folders = new(_folder, _folder), ImageVerification = policy, ImageAllowlist = allowlist }, new FakeTime());

    static PullLogin Login(string password, string secret = "s") => new(new AuthConfig { Username = "u", Password = password }, "uid-" + secret, "default", secret);

    [Theory]
    [InlineData("NeverVerify", "r.example/app:1", false)]
    [InlineData("NeverVerifyPreloadedImages", "r.example/app:1", false)]
    [InlineData("NeverVerifyAllowlistedImages", "r.example/app:1", false)]
    [InlineData("NeverVerifyAllowlistedImages", "r.example/team/x", false)]
    [InlineData("NeverVerifyAllowlistedImages", "r.example/other:1", true)]
    [InlineData("AlwaysVerify", "r.example/app:1", true)]
    public void What_no_kubelet_pulled_is_for_whom_the_policy_says(string policy, string image, bool must) =>
        Assert.Equal(must, Records(policy, "r.example/app", "r.example/team/*").MustPull(image, "sha256:1", []));

    [Fact]
    public void Who_has_the_login_or_the_secret_has_the_image_also_after_a_restart()
    {
        Records().Begin("r.example/app:1");
        Records().Succeeded("r.example/app:1", "sha256:1", Login("p"));
        Assert.False(Records().MustPull("r.example/app:1", "sha256:1", [Login("p", "another")]));
        Assert.False(Records().MustPull("r.example/app:2", "sha256:1", [Login("changed")])); // the same Secret, by another tag
        Assert.True(Records().MustPull("r.example/app:1", "sha256:1", [Login("other", "other")]));
        Assert.True(Records().MustPull("r.example/app:1", "sha256:1", []));
        Assert.True(Records().MustPull("elsewhere.example/app:1", "sha256:1", [Login("p")])); // the same content from another place
        Assert.False(Records("NeverVerify").MustPull("r.example/app:1", "sha256:1", []));

        Records().Succeeded("r.example/app:1", "sha256:1", null); // anybody could, so anybody may
        Assert.False(Records().MustPull("r.example/app:1", "sha256:1", []));
    }

    [Fact]
    public void A_pull_that_was_broken_off_makes_no_preloaded_image()
    {
        Records().Begin("r.example/app:1");
        Assert.True(Records().MustPull("r.example/app:1", "sha256:1", []));
        Records().Failed("r.example/app:1");
        Assert.False(Records().MustPull("r.example/app:1", "sha256:1", []));
    }

    [Fact]
    public async Task A_pod_without_the_login_has_to_pull_and_one_that_never_pulls_does_not_get_it()
    {
        using var bench = new PodBench(("r.example/app:1", FakeProgram.Forever));
        var images = new ImagePuller(bench.Cri, bench.Objects, bench.Events, bench.Time, 1, Records());
        bench.Objects.Secrets["s"] = new()
        {
            Metadata = new() { Name = "s", Namespace = "default", Uid = "uid-s" },
            Data = Map.Of((".dockerconfigjson", new Bytes("""{"auths":{"r.example":{"username":"u","password":"p"}}}"""u8.ToArray()))),
        };
        var container = Make.Container("app", "r.example/app:1") with { ImagePullPolicy = "IfNotPresent" };
        var bare = Make.Pod(container);
        var with = bare with { Spec = bare.Spec with { ImagePullSecrets = [new() { Name = "s" }] } };
        Task<PresentImage> Ensure(Hanbae.Api.Core.V1.Pod pod, string policy) => images.EnsureAsync(pod, container with { ImagePullPolicy = policy }, new(), new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)), default);

        await Ensure(with, "IfNotPresent");
        await Ensure(with, "Never");
        Assert.Equal("ErrImageNeverPull", (await Assert.ThrowsAsync<ImageException>(() => Ensure(bare, "Never"))).Reason);
        bench.Cri.Fault = call => call == "PullImage" ? new(Hanbae.Grpc.GrpcStatus.Unknown, "401 Unauthorized") : null;
        Assert.Equal("ErrImagePull", (await Assert.ThrowsAsync<ImageException>(() => Ensure(bare, "IfNotPresent"))).Reason);
        bench.Cri.Fault = null;
        await Ensure(bare, "IfNotPresent");
        await Ensure(bare, "Never"); // it could be pulled without
    }
}
