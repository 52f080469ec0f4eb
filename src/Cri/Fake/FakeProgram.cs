namespace Hanbae.Cri.Fake;

/// <summary>Scripts what a container of <see cref="FakeCri"/> does: what it says, how long it runs, how it ends.</summary>
public sealed record FakeProgram
{
    /// <summary>Runs until it is stopped, and exits with 0 then.</summary>
    public static FakeProgram Forever { get; } = new();

    public static FakeProgram Exits(int code, TimeSpan after = default) => new() { ExitAfter = after, ExitCode = code };

    /// <summary>Ends the program by itself; null runs on.</summary>
    public TimeSpan? ExitAfter { get; init; }

    public int ExitCode { get; init; }

    /// <summary>Gives the exit the reason OOMKilled.</summary>
    public bool OomKilled { get; init; }

    /// <summary>What the program exits with on the stop signal; null ignores the signal and waits for SIGKILL (137).</summary>
    public int? ExitCodeOnStop { get; init; } = 0;

    /// <summary>Why the program cannot even start, in the OCI runtime's words: <c>exec: "/x": stat /x: no such file or directory</c>.</summary>
    public string? StartError { get; init; }

    /// <summary>Lines written to the container's log when it starts, if it has one.</summary>
    public IReadOnlyList<FakeLine> Output { get; init; } = [];

    /// <summary>Answers ExecSync; by default every command succeeds and says nothing.</summary>
    public Func<IReadOnlyList<string>, FakeExec> Exec { get; init; } = _ => new();

    /// <summary>CPU used, in cores, while running.</summary>
    public double Cpu { get; init; } = 0.01;

    public long MemoryBytes { get; init; } = 16 << 20;
}

/// <summary>One line of output.</summary>
/// <param name="Stream">"stdout" or "stderr".</param>
public sealed record FakeLine(string Stream, string Text);

/// <summary>The result of one command in a container.</summary>
/// <param name="Takes">Compared with the call's timeout on the runtime's clock.</param>
/// <param name="StartError">As <see cref="FakeProgram.StartError"/>.</param>
public sealed record FakeExec(string Stdout = "", string Stderr = "", int ExitCode = 0, TimeSpan Takes = default, string? StartError = null);

/// <summary>An image that <see cref="FakeCri"/> can pull.</summary>
/// <param name="Present">Whether it is there from the start.</param>
/// <param name="Pinned">Told to the kubelet so that its image GC leaves it alone.</param>
public sealed record FakeImage(FakeProgram Program, bool Present = false, ulong SizeBytes = 2 << 20, bool Pinned = false);
