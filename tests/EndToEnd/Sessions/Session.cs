using System.Globalization;
using System.Text.RegularExpressions;

namespace Hanbae.EndToEnd.Sessions;

/// <summary>A command of a session, and what a person would then see in the terminal.</summary>
/// <param name="Line">Of the file, from 1.</param>
/// <param name="Until">It is repeated until it says what is expected: something else has yet to happen.</param>
public sealed record Step(int Line, string Command, bool Until, IReadOnlyList<string> Expected, int Code);

/// <summary>A terminal session as people write it down; README.md beside the sessions tells the form.</summary>
public static partial class Session
{
    /// <summary>What of a session concerns one version of kubectl.</summary>
    public static IReadOnlyList<Step> Read(IEnumerable<string> lines, int minor)
    {
        var steps = new List<Step>();
        List<string>? expected = null;
        string? command = null;
        bool until = false, ours = false;
        int code = 0, at = 0, number = 0;
        foreach (string whole in lines)
        {
            number++;
            bool forUs = Concerns(whole, minor, out string line);
            if (line.StartsWith("$ ", StringComparison.Ordinal) || line.StartsWith("~ ", StringComparison.Ordinal))
            {
                End();
                (command, until, ours, expected, code, at) = (line[2..], line[0] == '~', forUs, [], 0, number);
            }
            else if (command is null || line.StartsWith("## ", StringComparison.Ordinal) || !forUs) continue;
            else if (line == ">" || line.StartsWith("> ", StringComparison.Ordinal)) command += "\n" + line[Math.Min(2, line.Length)..];
            else if (ExitCode().Match(line) is { Success: true } exit) code = int.Parse(exit.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
            else expected!.Add(line);
        }
        End();
        return steps;

        void End()
        {
            if (command is null || !ours) return;
            // Blank lines before the next command are only there to be looked at.
            while (expected!.Count > 0 && expected[^1].Length == 0) expected.RemoveAt(expected.Count - 1);
            steps.Add(new(at, command, until, expected, code));
        }
    }

    /// <summary>Whether a line is for this version, and the line without the mark that says so.</summary>
    public static bool Concerns(string line, int minor, out string rest)
    {
        rest = line.TrimEnd();
        if (VersionMark().Match(rest) is not { Success: true } mark) return true;
        rest = rest[mark.Length..];
        int from = mark.Groups["from"] is { Success: true } f ? int.Parse(f.ValueSpan, CultureInfo.InvariantCulture) : 0;
        int to = mark.Groups["to"] is { Success: true } t ? int.Parse(t.ValueSpan, CultureInfo.InvariantCulture) : mark.Groups["dash"].Length > 0 ? int.MaxValue : from;
        return from <= minor && minor <= to;
    }

    [GeneratedRegex(@"^\{(1\.(?<from>\d+))?(?<dash>-)?(1\.(?<to>\d+))?\} ?")]
    private static partial Regex VersionMark();

    [GeneratedRegex(@"^\[(\d+)\]$")]
    private static partial Regex ExitCode();
}
