namespace Hanbae.Kit.Containerd;

/// <summary>What the spec runs: the same names stand for busybox commands in a real runtime and for scripts in FakeCri.</summary>
public static class SpecImage
{
    public const string Pause = "registry.k8s.io/pause:3.10";

    /// <summary>Says "up", runs until SIGTERM, then exits with 0.</summary>
    public const string Forever = "docker.io/spec/forever:1";

    /// <summary>Runs on through SIGTERM.</summary>
    public const string Stubborn = "docker.io/spec/stubborn:1";

    /// <summary>Says "hello" on stdout and "trouble" on stderr, and exits with 0 at once.</summary>
    public const string Done = "docker.io/spec/done:1";

    /// <summary>Exits with 3 after 0.3 s.</summary>
    public const string Fails = "docker.io/spec/fails:1";

    /// <summary>Its program is not in the image.</summary>
    public const string NoSuchProgram = "docker.io/spec/no-such-program:1";

    /// <summary>For the tests that remove an image.</summary>
    public const string Spare = "docker.io/spec/spare:1";
}
