namespace Hanbae.EndToEnd.Rig;

/// <summary>What a program said and how it ended; a failure that nobody expected tells all of it.</summary>
public sealed record Ran(string Line, int Code, string Out, string Err)
{
    /// <summary>Standard output of a program that had to succeed.</summary>
    public string Ok() => Code == 0 ? Out : throw new Xunit.Sdk.XunitException($"exit code {Code}: {this}");

    /// <summary>Standard error of a program that had to fail.</summary>
    public string Fails() => Code != 0 ? Err : throw new Xunit.Sdk.XunitException($"succeeded, but must not: {this}");

    public override string ToString() => $"{Line}\n{Out}{Err}";
}
